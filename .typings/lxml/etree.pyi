from collections.abc import Iterator

class XMLSyntaxError(SyntaxError): ...

class _Element:
    text: str | None
    def get(self, key: str, /) -> str | None: ...
    def iter(self, tag: str, /) -> Iterator[_Element]: ...
    def iterancestors(self, tag: str, /) -> Iterator[_Element]: ...

class HTMLParser:
    def __init__(
        self,
        *,
        encoding: str | None = None,
        no_network: bool = True,
        remove_comments: bool = False,
        remove_pis: bool = False,
    ) -> None: ...

def fromstring(text: bytes, parser: HTMLParser, /) -> _Element | None: ...
