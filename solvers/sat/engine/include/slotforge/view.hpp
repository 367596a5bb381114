// View: what a policy may know of the search. The engine keeps its statistics here and nowhere else, so that
// reading costs nothing; a policy receives it const.

#pragma once
#include <cstdint>

namespace slotforge {

enum class Mode : std::uint8_t {
    focused, // many restarts, variables from the move-to-front queue
    stable,  // few restarts, variables by score, target phases
};

// An exponential moving average at two speeds, both corrected for their start.
struct Average {
    double fast = 0; // over about the last 33 conflicts
    double slow = 0; // over about the last 100,000 conflicts
};

struct View {
    // Counted since the start.
    std::uint64_t conflicts = 0;
    std::uint64_t decisions = 0;
    std::uint64_t propagations = 0;
    std::uint64_t ticks = 0; // cache lines touched, by and large: the cost of the search so far
    std::uint64_t restarts = 0;
    std::uint64_t reductions = 0;
    std::uint64_t rephases = 0;
    std::uint64_t mode_switches = 0;
    std::uint64_t inprocessings = 0;

    // The value of `conflicts` at the last of each.
    struct {
        std::uint64_t restart = 0;
        std::uint64_t reduction = 0;
        std::uint64_t rephase = 0;
        std::uint64_t mode_switch = 0;
        std::uint64_t inprocessing = 0;
    } at;
    std::uint64_t ticks_at_mode_switch = 0;
    std::uint64_t fixed_at_inprocessing = 0;

    // The search as it stands.
    Mode mode = Mode::focused;
    std::uint32_t variables = 0;   // of the formula
    std::uint32_t fixed = 0;       // of these, assigned for good
    std::uint32_t assigned = 0;    // the length of the trail
    std::uint32_t level = 0;       // decision level
    std::uint64_t irredundant = 0; // clauses of the formula
    std::uint64_t redundant = 0;   // learned clauses kept

    // The last conflict.
    struct {
        std::uint32_t glue = 0;  // decision levels in the learned clause (LBD)
        std::uint32_t size = 0;  // its literals after minimisation
        std::uint32_t level = 0; // decision level of the conflict
        std::uint32_t jump = 0;  // level jumped back to
        std::uint32_t trail = 0; // assigned variables at the conflict
    } last;

    // Averages over conflicts.
    Average glue;
    Average size;
    Average level_at_conflict;
    Average trail;
    Average decision_rate; // decisions per conflict

    std::uint64_t seed = 0; // of this solve, for policies that draw random numbers

    bool stable() const { return mode == Mode::stable; }
    std::uint32_t free_variables() const { return variables - fixed; }
};

} // namespace slotforge
