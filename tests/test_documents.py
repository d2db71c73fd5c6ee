"""The examples in the documents do what the documents say."""

import pytest

from tests.documents import check_page


@pytest.mark.parametrize("page", ["python-api.md"])
def test_examples_of_a_page(page: str) -> None:
    assert check_page(page) > 0
