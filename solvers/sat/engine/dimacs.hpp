// DIMACS CNF files.

#pragma once
#include "departures.hpp"
#include "solver.hpp"

#include <string>

namespace slotforge {

// Reads a formula into a solver. Accepts what competition solvers accept: comments anywhere, a header that is missing
// or counts wrongly, clauses over several lines or several in one, empty clauses, and a % that ends the file. Throws
// Error "FILE:LINE: reason", in a fused build also for what `slotforge solve` refuses; returns what is to be told of.
Departures read_dimacs(const std::string &path, Solver &solver);

} // namespace slotforge
