"""Ollama, told by our Modelfile, asks for the model's words exactly as the trainer did."""

from __future__ import annotations

import re

import pytest

from tonewright import prompts
from tonewright.gguf.modelfile import modelfile, template
from tonewright.models.chat import ChatFormat, Message

CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
INST = (  # the first question carries the system message, and each turn begins with a BOS of its own
    "{% for m in messages %}{% if m['role'] == 'user' %}{{ bos_token + '[INST] ' }}"
    "{% if loop.index0 == 1 %}{{ '<<SYS>>\n' + messages[0]['content'] + '\n<</SYS>>\n\n' }}{% endif %}"
    "{{ m['content'] + ' [/INST]' }}{% elif m['role'] == 'assistant' %}"
    "{{ ' ' + m['content'] + ' ' + eos_token }}{% endif %}{% endfor %}"
)
LAST_ONLY = "{% for m in messages[-1:] %}{{ messages[0]['content'] + ': ' + m['content'] + '\n' }}{% endfor %}"
FORMATS = {
    "chatml": ChatFormat(CHATML, "<|im_start|>", "<|im_end|>", False),
    "inst": ChatFormat(INST, "<s>", "</s>", True),
    "none": ChatFormat(None, "", "<|endoftext|>", False),
}
TRICKY = 'He said "{{ .System }}", """twice""" {{ end }}.\n\n- one\n- two <|im_sta'


def asked_by_ollama(said: str, messages: list[Message]) -> str:
    """What Ollama makes of `said`, a TEMPLATE: one pass for each turn, the last up to `.Response`."""
    whole, system, prompt = "", "", ""
    for message in messages:
        if message["role"] == "assistant":
            whole += _filled(said, {"System": system, "Prompt": prompt, "Response": message["content"]})
            system = prompt = ""
        elif message["role"] == "system":
            system = message["content"]
        else:
            prompt = message["content"]
    return whole + _filled(said.partition("{{ .Response }}")[0], {"System": system, "Prompt": prompt, "Response": ""})


def _filled(said: str, values: dict[str, str]) -> str:
    """As Go's text/template does it, for the few actions that we use; what is filled in is not read again."""

    def chosen(found: re.Match[str]) -> str:
        yes, _, no = found[2].partition("{{ else }}")
        return yes if values[found[1]] else no

    plain = re.sub(r"\{\{ if \.(\w+) \}\}(.*?)\{\{ end \}\}", chosen, said, flags=re.DOTALL)
    return re.sub(r"\{\{ \.(\w+) \}\}", lambda found: values[found[1]], plain)


@pytest.mark.parametrize("name", FORMATS)
def test_every_turn_is_asked_as_in_training(name: str) -> None:
    """One question, and the third of a conversation, whatever braces and quotes the texts hold."""
    chat = FORMATS[name]
    question, again = prompts.rewrite(TRICKY, "dry"), prompts.rewrite("It rained.", None)[1]
    answer = {"role": "assistant", "content": TRICKY}
    for messages in (question, [*question, answer, again], [*question, answer, again, answer, question[1]]):
        wanted = chat.prompt(messages).removeprefix(chat.bos if chat.add_bos else "")
        assert asked_by_ollama(template(chat), messages) == wanted


def test_a_format_without_turns_is_asked_once() -> None:
    """Where the base's template forgets what was said before, the Modelfile promises one question and no more."""
    chat = ChatFormat(LAST_ONLY, "", "</s>", False)
    assert template(chat) == "{{ .System }}: {{ .Prompt }}\n"


def test_ollama_reads_what_is_written() -> None:
    """Each command begins a line, quoted texts end where they should, and Ollama's own penalty is off."""
    text = modelfile("my voice.gguf", FORMATS["none"])
    commands = re.findall(r'^([A-Z]+) ("""[^"]*"""|[^\n]+)\n', text, re.MULTILINE)
    assert "".join(f"{name} {value}\n" for name, value in commands) == text
    assert ("FROM", "./my voice.gguf") in commands
    assert ("PARAMETER", "repeat_penalty 1") in commands
    assert ("PARAMETER", 'stop "### User"') in commands
    assert "stop" not in modelfile("my voice.gguf", FORMATS["chatml"])
