// Sequences that schedules are made of.

#pragma once
#include <cstdint>

namespace slotforge {

// The i-th term, i >= 1, of 1 1 2 1 1 2 4 1 1 2 ... (Luby, Sinclair and Zuckerman, IPL 1993).
constexpr std::uint64_t luby(std::uint64_t i) {
    std::uint64_t size = 1;
    std::uint64_t term = 1;
    while (size < i) {
        size = 2 * size + 1;
        term *= 2;
    }
    while (size != i) {
        size = (size - 1) / 2;
        term /= 2;
        if (i > size) i -= size;
    }
    return term;
}

} // namespace slotforge
