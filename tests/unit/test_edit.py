"""A settings file changed by a command keeps every byte that the author wrote."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli

from tonewright.config.edit import add_table, drop_table
from tonewright.errors import ConfigError, Refused

TEXTS = [
    "",
    "# only a remark",
    "[watch]\nrescan_seconds = 30  # often\n",
    '# mine\r\n[hosts.tower]\r\naddress = "t"\r\n\r\n# the last word\r\n',
]


@pytest.mark.parametrize("text", TEXTS)
def test_what_was_added_comes_out_again(tmp_path: Path, text: str) -> None:
    """Added: the file parses, with the new table. Taken out: the bytes of before, but for a line end at the end."""
    file = tmp_path / "config.toml"
    file.write_bytes(text.encode())
    add_table(file, "hosts.laptop", {"address": 'gpu"1', "port": 22})
    assert tomli.loads(file.read_text())["hosts"]["laptop"] == {"address": 'gpu"1', "port": 22}
    assert file.read_bytes().startswith(text.encode())
    drop_table(file, "hosts.laptop")
    assert file.read_bytes().rstrip() == text.encode().rstrip()


def test_a_table_in_the_middle(tmp_path: Path) -> None:
    """The remark above the next table is the next table's."""
    file = tmp_path / "config.toml"
    file.write_text('# a\n[hosts . a]  # A\naddress = "a"\n# of a\nport = 3\n\n# of b\n[hosts.b]\naddress = "b"\n')
    drop_table(file, "hosts.a")
    assert file.read_text() == '# a\n\n# of b\n[hosts.b]\naddress = "b"\n'


@pytest.mark.parametrize(
    "text", ['hosts.a.address = "a"\n', '[hosts]\na = { address = "a" }\n', 'x = """\n[hosts.a]\n"""\n']
)
def test_what_is_no_table_of_its_own_is_left_alone(tmp_path: Path, text: str) -> None:
    """A line that would have to be rewritten stays for the author to change."""
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(Refused, match="by hand"):
        drop_table(file, "hosts.a")
    assert file.read_text() == text


def test_a_new_file_is_private_and_a_broken_one_is_named(tmp_path: Path) -> None:
    """The folders above a new file are made; a file that is no TOML is not touched."""
    file = tmp_path / "new" / "config.toml"
    add_table(file, "hosts.a", {"address": "a"})
    assert file.stat().st_mode & 0o077 == 0
    with pytest.raises(Refused, match="already"):
        add_table(file, "hosts.a", {"address": "a"})
    file.write_text("[broken")
    with pytest.raises(ConfigError, match="mend that line"):
        add_table(file, "hosts.b", {"address": "a"})
