// PhaseStore: the values that variables had, or should have: +1 true, -1 false, 0 unknown.

#pragma once
#include "literal.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace slotforge {

class PhaseStore {
  public:
    std::vector<std::int8_t> saved;   // at the last assignment
    std::vector<std::int8_t> target;  // in the longest trail without conflict since the last rephasing
    std::vector<std::int8_t> best;    // the same, while rephasing has not used it up
    std::vector<std::int8_t> initial; // from the start
    std::vector<std::int8_t> forced;  // asked for by the user

    void add(std::int8_t first) {
        saved.push_back(0);
        target.push_back(0);
        best.push_back(0);
        initial.push_back(first);
        forced.push_back(0);
    }

    // Remembers a trail without conflict, as target and as best where it is the longest so far.
    void record(std::span<const Lit> trail) {
        if (trail.size() > target_size_) copy(trail, target, target_size_);
        if (trail.size() > best_size_) copy(trail, best, best_size_);
    }

    // Forgets target and best phases.
    void forget() {
        std::fill(target.begin(), target.end(), std::int8_t{0});
        std::fill(best.begin(), best.end(), std::int8_t{0});
        target_size_ = best_size_ = 0;
    }

  private:
    static void copy(std::span<const Lit> trail, std::vector<std::int8_t> &phases, std::size_t &size) {
        for (const Lit lit : trail) phases[variable_of(lit)] = is_negative(lit) ? -1 : 1;
        size = trail.size();
    }

    std::size_t target_size_ = 0;
    std::size_t best_size_ = 0;
};

} // namespace slotforge
