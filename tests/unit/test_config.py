"""Settings: the later layer wins, and whatever cannot be used is named with its file and a remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from tonewright.config.load import load
from tonewright.config.schema import Config
from tonewright.config.template import render
from tonewright.errors import ConfigError


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_later_layers_win_and_say_so(tmp_path: Path) -> None:
    """The repository's file, then the user's, then the environment."""
    repo = write(tmp_path / "a.toml", '[training]\nhost = "local"\nheld_out = 0.2\n[thresholds]\nmin_new_words = 1\n')
    user = write(tmp_path / "b.toml", "[thresholds]\nmin_new_words = 2\n")
    config, origins = load(
        [repo, user], {"TONEWRIGHT_TRAINING_HOST": "laptop", "TONEWRIGHT_THRESHOLDS_ON_PUSH": "true"}
    )
    assert (config.thresholds.min_new_words, config.training.held_out, config.training.host) == (
        2,
        0.2,
        ("laptop",),
    )
    assert config.thresholds.on_push is True
    assert origins["thresholds.min_new_words"] == str(user)
    assert origins["training.host"] == "$TONEWRIGHT_TRAINING_HOST"
    assert "training.recipe" not in origins


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[thresholds]\nmin_new_exampels = 3", "min_new_exampels is unknown: did you mean min_new_examples"),
        ("[treshold]\nx = 1", r"\[treshold\] is unknown: did you mean thresholds"),
        ('[thresholds]\nmin_new_words = "many"', "min_new_words is 'many': give it a whole number"),
        ("[thresholds]\non_push = 1", "give it true or false"),
        ('[blog]\nposts = "_posts"', "give it a list of strings"),
        ("[hosts.laptop]\nadress = 'x'", "hosts.laptop.adress is unknown: did you mean address"),
        ("[blog\n", "not valid TOML"),
        ("hosts = 3", r"write it as \[hosts\]"),
    ],
)
def test_bad_settings_name_file_and_remedy(tmp_path: Path, text: str, message: str) -> None:
    """One sentence with the file, the key and what to do; exit code 78."""
    file = write(tmp_path / "tonewright.toml", text)
    with pytest.raises(ConfigError, match=message) as caught:
        load([file], {})
    assert str(file) in str(caught.value)
    assert caught.value.exit_code == 78


def test_the_template_is_valid_and_agrees_with_the_defaults(tmp_path: Path) -> None:
    """What `init` writes loads, and every value that it shows for thresholds and training is the default."""
    text = render(posts=["_posts"], drafts=[], branches=["main"], authors=['odd"one@example.org'], notes=["~/notes"])
    config, _ = load([write(tmp_path / "t.toml", text)], {})
    assert config.thresholds == Config().thresholds
    assert config.tones == Config().tones
    assert config.training == Config().training
    assert config.blog.authors == ('odd"one@example.org',)
