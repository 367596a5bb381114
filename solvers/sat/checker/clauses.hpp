// The clauses of a formula and of its proof in one block of memory.
//
// A literal is 2 * variable + sign, so that the two literals of a variable are neighbours and negation is one bit.
// A clause is two words of head (size and flags, pivot) and its literals; it is named by the offset of its head.

#pragma once

#include <cstdint>
#include <new>
#include <span>
#include <vector>

namespace drat {

using Lit = std::uint32_t;
using Ref = std::uint32_t;

inline constexpr Ref none = 0;
inline constexpr int max_variable = (1 << 28) - 1;

constexpr Lit to_lit(int dimacs) {
    return dimacs > 0 ? 2U * static_cast<Lit>(dimacs) : 2U * static_cast<Lit>(-dimacs) + 1U;
}
constexpr int to_dimacs(Lit lit) {
    return (lit & 1U) != 0 ? -static_cast<int>(lit >> 1U) : static_cast<int>(lit >> 1U);
}
constexpr Lit negated(Lit lit) {
    return lit ^ 1U;
}
constexpr std::uint32_t variable(Lit lit) {
    return lit >> 1U;
}

class Clauses {
  public:
    // Stores a clause as active and not in the core.
    //   Pre:  literals are pairwise different and not complementary; the pivot is the first of them, if any
    //   Throws std::bad_alloc when offsets no longer fit 32 bits (16 GiB of clauses)
    Ref add(std::span<const Lit> literals) {
        if (words_.size() + literals.size() + 2 > UINT32_MAX) throw std::bad_alloc();
        const auto clause = static_cast<Ref>(words_.size());
        words_.push_back(static_cast<std::uint32_t>(literals.size()) << 2U | active_bit);
        words_.push_back(literals.empty() ? 0 : literals.front());
        words_.insert(words_.end(), literals.begin(), literals.end());
        return clause;
    }

    // The literals of a clause, in an order that propagation may change; valid until the next add.
    std::span<Lit> literals(Ref clause) { return {words_.data() + clause + 2, words_[clause] >> 2U}; }
    std::span<const Lit> literals(Ref clause) const { return {words_.data() + clause + 2, words_[clause] >> 2U}; }

    // The literal that stood first in the file: the one on which a lemma may be RAT.
    Lit pivot(Ref clause) const { return words_[clause + 1]; }

    // Active: part of the formula at the present step of the proof.
    bool active(Ref clause) const { return (words_[clause] & active_bit) != 0; }
    void activate(Ref clause) { words_[clause] |= active_bit; }
    void deactivate(Ref clause) { words_[clause] &= ~active_bit; }

    // Core: used in the derivation of the empty clause.
    bool core(Ref clause) const { return (words_[clause] & core_bit) != 0; }
    void mark_core(Ref clause) { words_[clause] |= core_bit; }

    // Walks all clauses in the order in which they were added.
    Ref first() const { return head_; }
    Ref end() const { return static_cast<Ref>(words_.size()); }
    Ref next(Ref clause) const { return clause + 2 + (words_[clause] >> 2U); }

  private:
    static constexpr std::uint32_t active_bit = 1, core_bit = 2;
    static constexpr Ref head_ = 2; // 0 is no clause and 1 marks a freed place of the index

    std::vector<std::uint32_t> words_ = {0, 0};
};

} // namespace drat
