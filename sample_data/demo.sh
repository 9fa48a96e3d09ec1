#!/usr/bin/env bash
# Fits, applies and inverts the sample data, and fails if what comes back is not what went in.
# Run it with `make demo`, which puts normcli on the PATH; the output goes to the folder named.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-demo-output}
rm -rf "$out"
mkdir -p "$out"

step() { printf '\n== %s\n' "$*"; }
run() { # prints a command as one would type it, then runs it
    local word
    printf '$'
    for word in "$@"; do
        if [[ $word =~ ^[A-Za-z0-9_./=,:+-]+$ ]]; then printf ' %s' "$word"; else printf " '%s'" "$word"; fi
    done
    printf '\n'
    "$@"
}

step "1. Penguins: fit z-scores by species and island"
run normcli fit sample_data/penguins.csv --null-value NA --exclude year --by species,island \
    --type 'bill_length_mm=Decimal(4,1)' --type 'bill_depth_mm=Decimal(4,1)' -o "$out/penguins.json"
run normcli show "$out/penguins.json"
run normcli show "$out/penguins.json" --column body_mass_g

step "2. Penguins: normalize, and bring back"
run normcli apply "$out/penguins.json" sample_data/penguins.csv -o "$out/penguins-normalized.csv"
run head -n 4 "$out/penguins-normalized.csv"
run normcli invert "$out/penguins.json" "$out/penguins-normalized.csv" -o "$out/penguins-back.csv"
# The only difference in spelling: the source writes 18 for 18.0 mm.
sed 's/\.0,/,/g' "$out/penguins-back.csv" | cmp - sample_data/penguins.csv
echo "-> the bytes that came back are those of sample_data/penguins.csv (18.0 written as 18)"

step "3. Flights: a directory of Parquet files; its folders' carrier is a group key"
fit=(normcli fit --by carrier,origin -c 'dep_delay,arr_delay,air_time,distance,sched_dep_time,time_hour'
    -s '*_delay=symlog+zscore' -s 'distance,*_time=minmax' -s 'time_hour=minmax:low=-1')
run "${fit[@]}" sample_data/flights -o "$out/flights.json"
run normcli show "$out/flights.json"
run normcli apply "$out/flights.json" sample_data/flights -o "$out/flights-normalized"
run normcli invert "$out/flights.json" "$out/flights-normalized" -o "$out/flights-back"
python - sample_data/flights "$out/flights-back" <<'PYTHON'
import sys

import polars as pl
from polars.testing import assert_frame_equal

before, after = (pl.read_parquet(path, hive_partitioning=True) for path in sys.argv[1:])
assert_frame_equal(before, after, check_exact=True)
print(f"-> {after.height:,} rows × {after.width} columns came back identical, dtypes too")
PYTHON

step "4. Flights: fit every carrier apart, merge"
for folder in sample_data/flights/carrier=*; do
    carrier=${folder##*=}
    # As a glob, so that the file is named as it is in a fit of the whole directory.
    "${fit[@]}" "sample_data/flights/*=$carrier/*" -o "$out/shard-$carrier.json" --quiet
done
echo "$ normcli merge $out/shard-*.json -o $out/merged.json"
normcli merge "$out"/shard-*.json -o "$out/merged.json"
run cmp "$out/merged.json" "$out/flights.json"
echo "-> the merged stats file is the same, byte for byte"

step "5. Digits: a column of images to [-1, 1] and back, and each image by itself"
run normcli fit sample_data/digits.parquet -c image -m minmax:min=0,max=16,low=-1 -o "$out/pixels.json"
run normcli fit sample_data/digits.parquet -c image -m layernorm -o "$out/layernorm.json"
for name in pixels layernorm; do
    keep=()
    if [ $name = layernorm ]; then keep=(--keep-row-stats); fi
    run normcli apply "$out/$name.json" sample_data/digits.parquet ${keep[@]+"${keep[@]}"} -o "$out/$name.parquet"
    run normcli invert "$out/$name.json" "$out/$name.parquet" -o "$out/$name-back.parquet"
done
python - sample_data/digits.parquet "$out/pixels-back.parquet" "$out/layernorm-back.parquet" <<'PYTHON'
import sys

import polars as pl
from polars.testing import assert_frame_equal

digits, *back = map(pl.read_parquet, sys.argv[1:])
for each in back:
    assert_frame_equal(digits, each, check_exact=True)
print(f"-> {digits.height:,} images came back identical, both times")
PYTHON

printf '\nDone; everything is in %s/.\n' "$out"
