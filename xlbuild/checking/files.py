"""The files that a guest is built from: whether they are there, go into the container, and fit into its memory."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from xlbuild.checking.model import Finding, finding_of
from xlbuild.config.model import GuestConfig
from xlbuild.container import Container, FileRequest
from xlbuild.domain import Input, InputFiles
from xlbuild.errors import Diagnostic, Where, XlbuildError
from xlbuild.pipeline import (
    BuildOptions,
    build_request,
    load_kernel_file,
    place_of_setting,
    plan_domain,
)

T = TypeVar("T")


def look_at_files(
    config: GuestConfig, container: Container, options: BuildOptions, files: InputFiles
) -> list[Finding]:
    """Return what a build would stop at or warn of, up to its plan; all missing files are told at once."""
    look = _Look(config, container, options, _ReadOnce(files))
    look.run()
    return look.findings


class _ReadOnce:
    """Files, each of them read once."""

    def __init__(self, files: InputFiles) -> None:
        self._files = files
        self._read: dict[FileRequest, Input] = {}

    def read(self, request: FileRequest) -> Input:
        if request not in self._read:
            self._read[request] = self._files.read(request)
        return self._read[request]


class _Look:
    """Collects what is found on the way."""

    def __init__(
        self, config: GuestConfig, container: Container, options: BuildOptions, files: _ReadOnce
    ) -> None:
        self._config = config
        self._container = container
        self._options = options
        self._files = files
        self._places: dict[str, Where] = {}
        """Where each file that was read is asked for."""
        self.findings: list[Finding] = []

    def run(self) -> None:
        """Go as far as the files allow."""
        container, options, files = self._container, self._options, self._files
        missing = [request for request in _requests(container) if not self._is_there(request)]
        if container.kernel in missing:
            return
        kernel = self._attempt(lambda: load_kernel_file(self._config, container, options, files))
        if kernel is None or missing:
            return
        self._tell(*kernel[1].warnings)
        built = self._attempt(lambda: build_request(kernel, container, options, files))
        if built is None:
            return
        plan = self._attempt(lambda: plan_domain(built[0]))
        if plan is not None:
            self._tell(*plan.warnings)

    def _is_there(self, request: FileRequest) -> bool:
        read = self._attempt(lambda: self._files.read(request))
        if read is None:
            return False
        self._places.setdefault(read.path, request.where)
        return True

    def _attempt(self, action: Callable[[], T]) -> T | None:
        try:
            return action()
        except XlbuildError as error:
            self._tell(error)
            return None

    def _tell(self, *problems: Diagnostic | XlbuildError) -> None:
        self.findings += [finding_of(problem, self._place(problem)) for problem in problems]

    def _place(self, problem: Diagnostic | XlbuildError) -> Where:
        """Return the place in the configuration that a problem goes back to."""
        if problem.where.file in (self._config.source, None) and problem.where.key is not None:
            return problem.where
        if (place := place_of_setting(problem, self._config)) is not None:
            return place
        return self._places.get(problem.where.file or "", self._container.kernel.where)


def _requests(container: Container) -> Iterator[FileRequest]:
    yield container.kernel
    yield from (module.file for module in container.modules)
    yield from (request for _, request in container.firmware_modules if request is not None)
