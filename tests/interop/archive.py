"""Packages of the distribution that tests unpack into the build directory and never install: fetched once, kept there."""

import contextlib
import fcntl
import functools
import os
import pathlib
import re
import shutil
import subprocess
import tempfile


class Unavailable(Exception):
    """The package cannot be had here; the tests that need it are skipped."""


def command(*words, directory=None):
    """What it says; Unavailable if it fails."""
    done = subprocess.run(words, cwd=directory, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"{' '.join(words)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def refresh_index():
    """The package index may be missing, or name a version that the archive has dropped."""
    command(*([] if os.geteuid() == 0 else ["sudo", "-n"]), "apt-get", "update", "-q")


def unpack(package, directory):
    """Downloads a package, and has its files in the directory."""
    command("apt-get", "download", "-q", package, directory=directory)
    file, = directory.glob("*.deb")
    command("dpkg", "-x", str(file), str(directory))
    file.unlink()


class Shelf:
    """A folder with one thing made of packages, in a folder below for each version of it.

    `wanted()` names the version that the package index has now, None without an index; `make(version, directory)` fills
    the empty directory."""

    def __init__(self, folder, wanted, make):
        self.folder = pathlib.Path(folder)
        self._wanted = wanted
        self._make = make

    def get(self):
        """The directory of the present version, made if need be; one of an earlier day is better than none."""
        with self._alone():
            try:
                return self._make_present()
            except Unavailable as reason:
                kept = self._kept()
                if not kept:
                    raise
                print(f"nothing newer in {self.folder} than {kept[-1].name}: {reason}", flush=True)
                return kept[-1]

    @contextlib.contextmanager
    def _alone(self):
        """Tests run side by side: one fetches, the others wait. Who died in mid-fetch leaves no lock, only rubbish."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for rubbish in self.folder.glob(".fetching-*"):
                shutil.rmtree(rubbish, ignore_errors=True)
            yield

    def _kept(self):
        return sorted(path for path in self.folder.glob("[!.]*") if path.is_dir())

    def _make_present(self):
        """What the archive has now; with a fresh index where the first try fails."""
        try:
            return self._make_as_whole(self._wanted())
        except Unavailable:
            refresh_index()
            return self._make_as_whole(self._wanted())

    def _make_as_whole(self, version):
        """The final name exists only when everything is there."""
        if not version:
            raise Unavailable(f"the package index does not know what belongs into {self.folder}")
        directory = self.folder / version
        if directory.exists():
            return directory
        place = pathlib.Path(tempfile.mkdtemp(prefix=".fetching-", dir=self.folder))
        try:
            place.chmod(0o755)  # apt's downloads are another user's
            self._make(version, place)
            place.rename(directory)
        finally:
            shutil.rmtree(place, ignore_errors=True)
        return directory


def candidate(package):
    """The version that the package index has; None without an index."""
    done = subprocess.run(["apt-cache", "policy", package], capture_output=True, text=True, check=False,
                          env={**os.environ, "LC_ALL": "C"})
    found = re.search(r"Candidate: (\d\S*)", done.stdout)
    return found[1] if found else None


@functools.cache
def unpacked(package, folder):
    """The directory with a package's files, fetched into `folder` if need be."""
    return Shelf(pathlib.Path(folder) / package, lambda: candidate(package),
                 lambda version, directory: unpack(f"{package}={version}", directory)).get()
