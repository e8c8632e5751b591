"""How Ollama is told to ask a model of ours: the Modelfile beside its GGUF.

Ollama takes a chat template from a GGUF only where it is (nearly) one of those that it knows, so the base's own is said
again here in the language of Go's text/template, without loops: Ollama runs it once for each turn, with `.System` in
the first, and leaves away what stands behind `.Response` in the last (its template/template.go, read in 2026).
"""

from __future__ import annotations

import re

from tonewright import prompts
from tonewright.models.chat import ChatFormat

_CONTEXT = 2048  # tokens; what `tonewright rewrite` uses as well
_SYSTEM, _PROMPT, _RESPONSE = "{{ .System }}", "{{ .Prompt }}", "{{ .Response }}"


def modelfile(gguf: str, chat: ChatFormat) -> str:
    """For the file named `gguf`, in the same folder; the likeliest words are said, as `tonewright rewrite` does.

    Ollama's own `repeat_penalty` is 1.1, also at temperature 0: it would keep a rewriting from the words of its text.
    """
    stop = "" if chat.template else 'PARAMETER stop "### User"\n'
    return (
        f"FROM ./{gguf}\n"
        f'TEMPLATE """{template(chat)}"""\n'
        f'SYSTEM """{prompts.SYSTEM}"""\n'
        f"{stop}"
        "PARAMETER temperature 0\n"
        "PARAMETER repeat_penalty 1\n"
        f"PARAMETER num_ctx {_CONTEXT}\n"
    )


def template(chat: ChatFormat) -> str:
    """What `chat` makes of a system message and any number of turns; where turns cannot be told apart, of one.

    A BOS that llama.cpp puts in front by itself is left out.
    """
    question, answer = {"role": "user", "content": _PROMPT}, {"role": "assistant", "content": _RESPONSE}
    asked = [{"role": "system", "content": _SYSTEM}, question]
    bos = chat.bos if chat.add_bos else ""
    first = chat.prompt(asked).removeprefix(bos)
    said, _, rest = chat.prompt([*asked, answer, question]).removeprefix(bos).partition(_RESPONSE)
    if not said.startswith(first) or _PROMPT not in rest:
        return first
    before_answer = said.removeprefix(first)
    ended = re.match(rf".*?{re.escape(chat.eos)}\s*", rest, re.DOTALL) if chat.eos else None
    end = ended[0] if ended else ""
    return (
        f"{{{{ if .System }}}}{first}{{{{ else }}}}{rest.removeprefix(end)}{{{{ end }}}}"
        + (f"{{{{ if .Response }}}}{before_answer}{{{{ end }}}}" if before_answer else "")
        + f"{_RESPONSE}{end}"
    )
