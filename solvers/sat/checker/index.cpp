#include "index.hpp"

#include <algorithm>
#include <utility>

namespace drat {

// Hash of a set: the sum of the mixed members does not depend on their order.
std::size_t Index::hash(std::span<const Lit> literals) {
    std::uint64_t sum = literals.size();
    for (const Lit lit : literals) {
        std::uint64_t mixed = (lit + 1) * 0x9E3779B97F4A7C15U;
        mixed = (mixed ^ (mixed >> 32U)) * 0xD6E8FEB86659FD93U;
        sum += mixed ^ (mixed >> 29U);
    }
    return sum ^ (sum >> 31U);
}

// Equality of sets by marks; sizes are equal and members differ, so one inclusion suffices.
bool Index::same(Ref clause, std::span<const Lit> literals) {
    const auto other = clauses_.literals(clause);
    if (other.size() != literals.size()) return false;
    for (const Lit lit : literals) {
        if (lit >= wanted_.size()) wanted_.resize(lit + 1);
        wanted_[lit] = true;
    }
    const bool equal = std::ranges::all_of(other, [&](Lit lit) { return lit < wanted_.size() && wanted_[lit]; });
    for (const Lit lit : literals) wanted_[lit] = false;
    return equal;
}

void Index::insert(Ref clause) {
    if ((filled_ + 1) * 3 > table_.size() * 2) rebuild();
    const std::size_t mask = table_.size() - 1;
    std::size_t place = hash(clauses_.literals(clause)) & mask;
    while (table_[place] != none) place = (place + 1) & mask;
    table_[place] = clause;
    ++filled_, ++live_;
}

Ref Index::extract(std::span<const Lit> literals) {
    const std::size_t mask = table_.size() - 1;
    for (std::size_t place = hash(literals) & mask; table_[place] != none; place = (place + 1) & mask) {
        if (table_[place] == freed_ || !same(table_[place], literals)) continue;
        --live_;
        return std::exchange(table_[place], freed_);
    }
    return none;
}

// Drops freed places and grows to keep at least two thirds of the table empty.
void Index::rebuild() {
    std::size_t size = 1024;
    while (size < live_ * 3) size *= 2;
    const auto old = std::exchange(table_, std::vector<Ref>(size, none));
    filled_ = live_ = 0;
    for (const Ref clause : old)
        if (clause > freed_) insert(clause);
}

} // namespace drat
