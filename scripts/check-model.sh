#!/usr/bin/env bash
# Explores the Promela model of consensus (consensus/model/simplex.pml) with spin: the correct rules
# must hold in every state, every mutant must lead to an error trail, every witness be reachable.
# Prints one row a run; exit 1 if anything is unexpected, 2 if a tool is missing.
#
#   scripts/check-model.sh               two minutes of one core, up to 3.5 GB
#   scripts/check-model.sh --quick       what CI runs: smaller bounds, half a minute, under 1 GB
#   scripts/check-model.sh --deep        adds larger bounds: ten to twenty minutes more, up to 4 GB
#   scripts/check-model.sh --install     first installs spin and gcc with apt-get (needs root)
#   scripts/check-model.sh --report FILE writes the numbers of runs as expected and otherwise, in
#                                        the fields of a vitest report that the totals are made of
set -euo pipefail
cd "$(dirname "$0")/.."

deep=false
quick=false
install=false
report=""
while [ $# -gt 0 ]; do
  case "$1" in
    --deep) deep=true ;;
    --quick) quick=true ;;
    --install) install=true ;;
    --report) report="${2:?"--report needs a file"}"; shift ;;
    *) echo "usage: $0 [--quick | --deep] [--install] [--report FILE]" >&2; exit 2 ;;
  esac
  shift
done

if $install; then
  apt-get update
  apt-get install -y spin gcc libc6-dev
fi
for tool in spin gcc; do
  if ! command -v "$tool" >/dev/null; then
    echo "$tool is missing: apt-get update && apt-get install -y spin gcc libc6-dev," >&2
    echo "or run $0 --install as root" >&2
    exit 2
  fi
done

model="$PWD/consensus/model/simplex.pml"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
expected=0
unexpected=0
# Seconds for one run. The longest of the quick ones takes five of one core.
limit=1800
if $quick; then limit=120; fi

row() {
  printf '%-40s %5s %12s %6s %-9s %-14s %7s %7s\n' "$@"
}

# Sets cpu_now: user and system seconds of all children that have ended. By way of a file, because
# `times` in a command substitution would speak of the substitution's own children.
read_cpu() {
  times >"$work/times"
  cpu_now="$(awk -F'[ms ]+' 'NR == 2 { print $1 * 60 + $2 + $3 * 60 + $4 }' "$work/times")"
}

elapsed() {
  awk -v a="$1" -v b="$2" 'BEGIN { printf "%.1f", b - a }'
}

# explore NAME VIEWS OUTCOME PAN-SWITCHES COMPILER-SWITCHES MODEL-SWITCHES...
# OUTCOME: "holds", or what the error is called that must be found. In memory of at most 12 GB.
explore() {
  local name="$1" views="$2" outcome="$3" pan_switches="$4" compiler_switches="$5"
  shift 5
  local output="$work/output" status=0 started ended cpu_started cpu_ended cpu_now
  rm -f "$work"/pan* "$work"/*.trail
  cp "$model" "$work/simplex.pml"
  started="$(date +%s.%N)"
  read_cpu
  cpu_started="$cpu_now"
  # One && chain: errexit is off where a status is asked for.
  # shellcheck disable=SC2086
  (
    cd "$work" &&
      spin -DVIEWS="$views" "$@" -a simplex.pml &&
      gcc -O2 -w -DSAFETY -DNOCLAIM -DMEMLIM=12000 $compiler_switches -o pan pan.c &&
      timeout "$limit" ./pan -n -m100000 $pan_switches
  ) >"$output" 2>&1 || status=$?
  ended="$(date +%s.%N)"
  read_cpu
  cpu_ended="$cpu_now"

  local states depth errors complete=yes result
  states="$(sed -nE 's/^ *([0-9.e+]+) states, stored.*/\1/p' "$output")"
  depth="$(sed -nE 's/.*depth reached ([0-9]+),.*/\1/p' "$output")"
  errors="$(sed -nE 's/.*errors: ([0-9]+)$/\1/p' "$output")"
  if grep -qE 'Search not completed|search depth too small|reached -DMEMLIM' "$output"; then
    complete=no
  fi
  # A bitstate search may pass states over, and this one is stopped by the clock.
  case "$compiler_switches" in *BITSTATE*) complete=partial ;; esac

  if [ "$status" -ne 0 ] || [ -z "$errors" ]; then
    complete=no
    result="FAILED TO RUN ($status)"
  elif [ "$errors" = 0 ]; then
    result=holds
  elif grep -q 'assertion violated' "$output" && [ -s "$work/simplex.pml.trail" ]; then
    result="error found"
    complete="to error"
  else
    result="OTHER ERROR"
  fi
  local wanted="error found"
  if [ "$outcome" = holds ]; then wanted=holds; fi
  if [ "$result" = "$wanted" ] && [ "$complete" != no ]; then
    expected=$((expected + 1))
    if [ "$wanted" != holds ]; then result="$outcome"; fi
    if [ "$complete" = partial ]; then result="no error met"; fi
  else
    result="UNEXPECTED: $result"
    unexpected=$((unexpected + 1))
    tail -n 40 "$output" >&2
  fi
  row "$name" "$views" "${states:--}" "${depth:--}" "$complete" "$result" \
    "$(elapsed "$started" "$ended")" "$(elapsed "$cpu_started" "$cpu_ended")"
}

# CPU seconds matter on a shared machine, where the clock tells how busy the others are.
row model views states depth complete result seconds cpu
explore "safety" 1 holds "-w20" ""
explore "safety" 2 holds "-w20" ""
$quick || explore "safety" 3 holds "-w25" ""
explore "safety, maximal votes" 3 holds "-w22" "" -DMAXIMAL
$quick || explore "safety, maximal votes" 4 holds "-w26" "" -DMAXIMAL
explore "liveness" 2 holds "-w20" "" -DLIVENESS

explore "mutant: finalize after nullify" 2 "fork found" "-w20" "" \
  -DFINALIZE_AFTER_NULLIFY -DONLY_AGREEMENT
explore "mutant: skipped views not proved" 2 "fork found" "-w20" "" -DNO_SKIP_PROOF -DONLY_AGREEMENT
explore "mutant: quorum of 2" 2 "fork found" "-w20" "" -DQUORUM_2F -DONLY_AGREEMENT
explore "mutant: amnesia" 2 "fork found" "-w20" "" -DAMNESIA -DONLY_AGREEMENT
explore "mutant: skips not proved, maximal votes" 2 "fork found" "-w20" "" \
  -DNO_SKIP_PROOF -DONLY_AGREEMENT -DMAXIMAL
explore "mutant: quorum of 2, maximal votes" 2 "fork found" "-w20" "" \
  -DQUORUM_2F -DONLY_AGREEMENT -DMAXIMAL
explore "mutant: certificates not durable" 1 "lock-up found" "-w20" "" \
  -DLIVENESS -DVOLATILE_CERTIFICATES

explore "witness: final, nullified, final" 3 "reached" "-w22" "" -DWITNESS=1
explore "witness: split view, block kept" 3 "reached" "-w22" "" -DWITNESS=2
explore "witness: split view, block skipped" 3 "reached" "-w22" "" -DWITNESS=3
explore "witness: equivocation, final" 3 "reached" "-w22" "" -DWITNESS=4

if $deep; then
  explore "liveness" 3 holds "-w26" "" -DLIVENESS
  # Too many states for memory: three bits in 16 Gbit for each, stopped after ten minutes.
  explore "safety" 4 holds "-w34 -Q10" "-DBITSTATE"
fi

if [ -n "$report" ]; then
  printf '{ "numPassedTests": %d, "numFailedTests": %d, "testResults": [] }\n' \
    "$expected" "$unexpected" >"$report"
fi
if [ "$unexpected" -gt 0 ]; then
  echo "$unexpected of the runs ended otherwise than expected" >&2
  exit 1
fi
echo "all $expected runs ended as expected"
