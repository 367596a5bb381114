// Limits: when to give up, and the answers of a solver.

#pragma once
#include "slotforge/view.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>

namespace slotforge {

enum class Answer : int { unknown = 0, sat = 10, unsat = 20 };

enum class Stop { none, conflicts, propagations, ticks, time, interrupt };

// Each counts from the start of a solve; cpu_seconds is compared to the clock of the process.
struct Limits {
    std::uint64_t conflicts = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t propagations = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t ticks = std::numeric_limits<std::uint64_t>::max();
    double cpu_seconds = std::numeric_limits<double>::infinity();

    // The counters at which to stop when the solve starts at those of the view.
    Limits from(const View &view) const {
        const auto sum = [](std::uint64_t now, std::uint64_t more) {
            return now + std::min(more, std::numeric_limits<std::uint64_t>::max() - now);
        };
        return {sum(view.conflicts, conflicts), sum(view.propagations, propagations), sum(view.ticks, ticks),
                cpu_seconds};
    }
};

// CPU seconds that the process has used.
double cpu_seconds();

} // namespace slotforge
