// Literals: variable v is 0, 1, 2 ...; its literals are 2v (true) and 2v + 1 (false), so that both index arrays.

#pragma once
#include <cstdint>

namespace slotforge {

using Var = std::uint32_t;
using Lit = std::uint32_t;

inline constexpr Var max_variables = (1u << 28) - 1; // as in cnf.py and in the proof checker

constexpr Lit literal(Var variable, bool value) {
    return 2 * variable + (value ? 0 : 1);
}
constexpr Var variable_of(Lit lit) {
    return lit >> 1;
}
constexpr Lit negation(Lit lit) {
    return lit ^ 1u;
}
constexpr bool is_negative(Lit lit) {
    return (lit & 1u) != 0;
}

// The literal as in DIMACS files: 1, -1, 2, -2 ...
constexpr int to_dimacs(Lit lit) {
    const int number = static_cast<int>(variable_of(lit)) + 1;
    return is_negative(lit) ? -number : number;
}

// Pre: number is neither zero nor beyond max_variables.
constexpr Lit from_dimacs(int number) {
    return literal(static_cast<Var>(number < 0 ? -(number + 1) : number - 1), number > 0);
}

} // namespace slotforge
