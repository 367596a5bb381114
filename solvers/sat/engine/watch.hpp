// Watches: for each literal, the clauses to look at when it becomes false.

#pragma once
#include "arena.hpp"
#include "literal.hpp"

#include <vector>

namespace slotforge {

// Why a literal holds: nothing (a decision), a binary clause with one other literal, or a clause of the arena.
class Reason {
  public:
    constexpr Reason() = default;
    static constexpr Reason clause(Ref ref) { return Reason(ref); }
    static constexpr Reason binary(Lit other) { return Reason(other | binary_bit); }

    explicit constexpr operator bool() const { return word_ != 0; }
    constexpr bool is_binary() const { return (word_ & binary_bit) != 0; }
    constexpr bool is_clause() const { return word_ != 0 && !is_binary(); }
    constexpr Lit other() const { return word_ & ~binary_bit; }
    constexpr Ref ref() const { return word_; }

  private:
    static constexpr std::uint32_t binary_bit = 1u << 31;
    explicit constexpr Reason(std::uint32_t word) : word_(word) {}
    std::uint32_t word_ = 0;
};

// A clause seen from one of its two watched literals. The clause holds while `blocking`, another of its literals,
// holds (Chu, Harwood and Stuckey, JSAT 2009). Of a binary clause there is nothing but its two watches.
struct Watch {
    static constexpr std::uint32_t binary_bit = 1u << 31;

    Lit blocking;
    std::uint32_t word;

    static constexpr Watch clause(Lit blocking, Ref ref) { return {blocking, ref}; }
    static constexpr Watch binary(Lit other, bool redundant) { return {other, binary_bit | (redundant ? 1u : 0u)}; }

    constexpr bool is_binary() const { return (word & binary_bit) != 0; }
    constexpr bool is_redundant_binary() const { return word == (binary_bit | 1u); }
    constexpr Ref ref() const { return word; }
};

using Watches = std::vector<Watch>;

} // namespace slotforge
