// DIMACS CNF files.

#pragma once
#include "solver.hpp"

#include <string>

namespace slotforge {

// Reads a formula into a solver. Accepts what competition solvers accept: comments anywhere, a header that is missing
// or counts wrongly, clauses over several lines or several in one, empty clauses, and a % that ends the file. Throws
// Error "FILE:LINE: reason".
void read_dimacs(const std::string &path, Solver &solver);

} // namespace slotforge
