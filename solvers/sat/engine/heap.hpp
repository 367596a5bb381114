// Heap: the variables of a binary max-heap by score (EVSIDS; Eén and Sörensson, SAT 2003). Of equal scores the
// lower variable comes first.

#pragma once
#include "literal.hpp"

#include <utility>
#include <vector>

namespace slotforge {

class Heap {
  public:
    bool empty() const { return heap_.empty(); }
    bool contains(Var v) const { return position_[v] != absent; }
    double score(Var v) const { return score_[v]; }

    // Pre: !empty().
    Var top() const { return heap_.front(); }

    // Makes a new variable, the next number, and inserts it.
    void add(double score) {
        score_.push_back(score);
        position_.push_back(absent);
        insert(static_cast<Var>(score_.size() - 1));
    }

    // Pre: !contains(v).
    void insert(Var v) {
        position_[v] = static_cast<std::uint32_t>(heap_.size());
        heap_.push_back(v);
        up(v);
    }

    // Pre: !empty().
    void pop() {
        const Var top = heap_.front();
        const Var last = heap_.back();
        heap_.pop_back();
        position_[top] = absent;
        if (last == top) return;
        heap_.front() = last;
        position_[last] = 0;
        down(last);
    }

    void set_score(Var v, double score) {
        const double old = std::exchange(score_[v], score);
        if (!contains(v)) return;
        if (score > old) up(v);
        if (score < old) down(v);
    }

    // Returns by how many places variables have moved since the last call, which is the work that the order has cost.
    std::uint64_t take_moves() { return std::exchange(moves_, 0); }

    // Multiplies every score; order survives but for underflow, which ties.
    void rescale(double factor) {
        for (double &score : score_) score *= factor;
        for (std::size_t i = heap_.size() / 2; i-- > 0;) down(heap_[i]);
    }

  private:
    static constexpr std::uint32_t absent = ~0u;

    bool before(Var a, Var b) const { return score_[a] > score_[b] || (score_[a] == score_[b] && a < b); }

    void place(std::uint32_t at, Var v) {
        heap_[at] = v;
        position_[v] = at;
    }

    void up(Var v) {
        std::uint32_t at = position_[v];
        while (at > 0) {
            const std::uint32_t parent = (at - 1) / 2;
            if (!before(v, heap_[parent])) break;
            place(at, heap_[parent]);
            ++moves_;
            at = parent;
        }
        place(at, v);
    }

    void down(Var v) {
        const auto size = static_cast<std::uint32_t>(heap_.size());
        std::uint32_t at = position_[v];
        for (std::uint32_t child; (child = 2 * at + 1) < size; at = child) {
            if (child + 1 < size && before(heap_[child + 1], heap_[child])) ++child;
            if (!before(heap_[child], v)) break;
            place(at, heap_[child]);
            ++moves_;
        }
        place(at, v);
    }

    std::vector<Var> heap_;
    std::vector<std::uint32_t> position_;
    std::vector<double> score_;
    std::uint64_t moves_ = 0;
};

} // namespace slotforge
