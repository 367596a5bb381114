// Finds the clause that a deletion names by its literals: an open-addressing hash table of clauses.

#pragma once

#include "clauses.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace drat {

class Index {
  public:
    explicit Index(const Clauses &clauses) : clauses_(clauses) {}

    // Takes a clause in; equal clauses are kept side by side, each deletion takes one.
    void insert(Ref clause);

    // Takes out and returns one clause with exactly these literals in any order, or none.
    //   Pre: the literals are pairwise different
    Ref extract(std::span<const Lit> literals);

  private:
    static constexpr Ref freed_ = 1;

    static std::size_t hash(std::span<const Lit> literals);
    bool same(Ref clause, std::span<const Lit> literals);
    void rebuild();

    const Clauses &clauses_;
    std::vector<Ref> table_ = std::vector<Ref>(1024, none);
    std::size_t filled_ = 0, live_ = 0;
    std::vector<bool> wanted_;
};

} // namespace drat
