#!/bin/sh
# Generate formulas, solve one with heuristics of the literature, and export these as a solver of their own.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

slotforge generate tseitin:14 --seed 1 --count 2 --out "$folder"
formula="$folder/tseitin-14-s1-0000.unsat.cnf"

slotforge solve "$formula" --heuristics restart_due=Luby:unit=64,decay=EasySat --proof "$folder/proof" --stats || test $? -eq 20
slotforge-drat "$formula" "$folder/proof"

slotforge export restart_due=Luby:unit=64,decay=EasySat --as solver --out "$folder/solver" --store "$folder/store.db"
sh "$folder/solver/test.sh"
"$folder/solver/solver" "$formula" || test $? -eq 20
