"""`${NAME}` in a config: the one way to say a token, and nothing of it in any message."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from pytest_inferbench.config.variables import Variable, content, variable_of
from pytest_inferbench.config.wording import HiddenValueError
from pytest_inferbench.errors import ConfigError


@pytest.mark.parametrize("name", ["TOKEN", "_t", "Hf_Token_2"])
def test_a_variable_is_its_name(name):
    """What a shell would accept as a name is one."""
    assert variable_of(f"${{{name}}}") == name


@pytest.mark.parametrize(
    "written",
    ["hf_secret", "$SECRET", "${2SECRET}", "${}", "${SECRET} ", "Bearer ${SECRET}", "${SECRET-x}", "${SECRÉT}"],
)
def test_anything_else_may_be_the_token_and_is_not_shown(written):
    """The message says what to write instead, and holds nothing of what was written."""
    with pytest.raises(HiddenValueError, match="put it into an environment variable") as raised:
        variable_of(written)
    assert "SECRET" not in str(raised.value).upper()


def test_a_field_of_this_kind_holds_the_name():
    """Read from a file it is the variable's name; a token in its place is refused, and a schema says the form."""
    field = TypeAdapter(Variable)
    assert field.validate_python("${TOKEN}") == "TOKEN"
    with pytest.raises(ValidationError):
        field.validate_python("hf_secret")
    assert field.json_schema() == {"type": "string", "pattern": r"^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$"}


def test_content_is_what_the_environment_holds():
    """The value as it is, spaces and all."""
    assert content("TOKEN", "models.yaml:3", {"TOKEN": " s3cret "}) == " s3cret "


@pytest.mark.parametrize("environ", [{}, {"TOKEN": ""}], ids=["unset", "empty"])
def test_a_variable_without_content_is_an_error_with_its_place(environ):
    """An empty one is as good as none: the message has the place, the name and what to do."""
    with pytest.raises(ConfigError) as raised:
        content("TOKEN", "models.yaml:3", environ)
    message = "models.yaml:3: the environment variable TOKEN is not set; export TOKEN before the run"
    assert str(raised.value) == message
