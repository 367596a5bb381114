// Arena: all clauses of three or more literals in one array of words, addressed by 32-bit references.
//
// A clause is a header of three words, its literals and, when it was learned, its usage. Clauses lie one after the
// other, so that the arena can be walked and compacted without any list of clauses.

#pragma once
#include "error.hpp"
#include "literal.hpp"

#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

namespace slotforge {

using Ref = std::uint32_t;

inline constexpr std::size_t cache_line = 64; // bytes; what a tick stands for

// What the engine remembers of a learned clause, for score_clauses.
struct Usage {
    std::uint32_t born; // conflicts when it was learned (modulo 2^32)
    std::uint32_t used; // in analysis, since the last reduction
    std::uint32_t idle; // reductions since it was last used or learned
    float activity;
};

struct Clause {
    static constexpr std::uint32_t max_glue = (1u << 27) - 1;

    std::uint32_t size;
    std::uint32_t searched; // where the last search for a watch ended (Gent, JAIR 2013)
    std::uint32_t glue : 27;
    std::uint32_t redundant : 1;
    std::uint32_t garbage : 1;
    std::uint32_t reason : 1;   // of an assigned literal: set during a reduction only
    std::uint32_t moved : 1;    // the first literal holds the new reference
    std::uint32_t shrunken : 1; // to the two literals it is watched by

    Lit *begin() { return reinterpret_cast<Lit *>(this + 1); }
    Lit *end() { return begin() + size; }
    Lit &operator[](std::size_t i) { return begin()[i]; }
    std::span<Lit> literals() { return {begin(), size}; }
    void set_glue(std::uint32_t value) { glue = (value < max_glue ? value : max_glue) & max_glue; }

    // Pre: redundant.
    Usage &usage() { return *reinterpret_cast<Usage *>(end()); }
};

class Arena {
  public:
    static constexpr std::size_t header_words = sizeof(Clause) / sizeof(std::uint32_t);
    static constexpr std::size_t usage_words = sizeof(Usage) / sizeof(std::uint32_t);
    static constexpr std::size_t max_words = std::size_t{1} << 31; // the other half of the references are binary

    Clause &operator[](Ref ref) { return *reinterpret_cast<Clause *>(words_.data() + ref); }

    Ref begin() const { return 1; }
    Ref end() const { return static_cast<Ref>(words_.size()); }
    Ref next(Ref ref) { return ref + static_cast<Ref>(words_of((*this)[ref])); }

    static std::uint64_t lines(Ref from, Ref to) { return (to - from) * sizeof(std::uint32_t) / cache_line; }

    // Appends a clause. Throws Error when the references run out.
    Ref add(std::span<const Lit> literals, bool redundant, std::uint32_t glue) {
        const std::size_t usage = redundant ? usage_words : 0;
        const Ref ref = grow(header_words + literals.size() + usage);
        Clause &clause = (*this)[ref];
        clause = Clause{static_cast<std::uint32_t>(literals.size()), 2, 0, redundant, 0, 0, 0, 0};
        clause.set_glue(glue);
        std::memcpy(clause.begin(), literals.data(), literals.size_bytes());
        if (redundant) clause.usage() = Usage{};
        return ref;
    }

    // Moves a clause to the end of another arena and leaves its new reference behind.
    // Pre: base is where the other arena's first word will come to lie.
    void move_to(Arena &other, Ref ref, Ref base) {
        Clause &clause = (*this)[ref];
        const std::size_t words = words_of(clause);
        const Ref target = other.grow(words);
        std::memcpy(other.words_.data() + target, &clause, words * sizeof(std::uint32_t));
        clause.moved = 1;
        clause[0] = base + target - other.begin();
    }

    // Replaces all from `from` on by the content of another arena.
    void replace(Ref from, const Arena &other) {
        words_.resize(from);
        words_.insert(words_.end(), other.words_.begin() + other.begin(), other.words_.end());
    }

  private:
    static std::size_t words_of(const Clause &clause) {
        return header_words + clause.size + (clause.redundant ? usage_words : 0);
    }

    Ref grow(std::size_t words) {
        const std::size_t at = words_.size();
        if (at + words > max_words) throw Error("the clauses need more than 8 GiB, which is beyond this solver");
        words_.resize(at + words);
        return static_cast<Ref>(at);
    }

    std::vector<std::uint32_t> words_ = std::vector<std::uint32_t>(1); // reference 0 means none
};

} // namespace slotforge
