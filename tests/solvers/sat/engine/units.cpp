// Checks of the engine's separable parts. `units NAME` runs one; its exit status says whether it holds.

#include "arena.hpp"
#include "averages.hpp"
#include "heap.hpp"
#include "limits.hpp"
#include "phases.hpp"
#include "proof.hpp"
#include "queue.hpp"
#include "watch.hpp"

#include "slotforge/random.hpp"
#include "slotforge/sequences.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <numeric>
#include <unistd.h>

using namespace slotforge;

namespace {

void check(bool holds, const char *what) {
    if (holds) return;
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::exit(1);
}
#define CHECK(...) check((__VA_ARGS__), #__VA_ARGS__)

void literals_are_those_of_dimacs() {
    for (int number : {1, -1, 2, -2, 17, -17, (1 << 30), -(1 << 30)}) {
        CHECK(to_dimacs(from_dimacs(number)) == number);
        CHECK(to_dimacs(negation(from_dimacs(number))) == -number);
    }
    CHECK(variable_of(from_dimacs(-3)) == 2 && is_negative(from_dimacs(-3)));
}

void heap_pops_in_the_order_of_scores_whatever_was_updated() {
    Random random(1);
    for (int round = 0; round < 200; ++round) {
        Heap heap;
        const Var count = 1 + static_cast<Var>(random.next() % 60);
        for (Var v = 0; v < count; ++v) heap.add(std::floor(8 * random.uniform()));
        for (int i = 0; i < 100; ++i) {
            const Var v = static_cast<Var>(random.next() % count);
            if (random.chance(0.2) && !heap.empty())
                heap.pop();
            else if (random.chance(0.2) && !heap.contains(v))
                heap.insert(v);
            else
                heap.set_score(v, std::floor(8 * random.uniform()));
            if (i == 50) heap.rescale(0.25);
        }
        std::vector<Var> expected, popped;
        for (Var v = 0; v < count; ++v)
            if (heap.contains(v)) expected.push_back(v);
        std::stable_sort(expected.begin(), expected.end(),
                         [&heap](Var a, Var b) { return heap.score(a) > heap.score(b); });
        for (; !heap.empty(); heap.pop()) popped.push_back(heap.top());
        CHECK(popped == expected);
    }
}

// The model is a list, front first, and a set of assigned variables.
void queue_gives_the_free_variable_nearest_to_the_front() {
    Random random(2);
    constexpr Var count = 30;
    Queue queue;
    queue.resize(count);
    std::vector<Var> order;
    std::vector<char> assigned(count);
    for (Var v = 0; v < count; ++v) {
        queue.push_front(v);
        order.insert(order.begin(), v);
    }
    for (int step = 0; step < 20000; ++step) {
        const Var v = static_cast<Var>(random.next() % count);
        if (random.chance(0.3)) {
            queue.move_to_front(v, assigned[v]);
            order.erase(std::find(order.begin(), order.end(), v));
            order.insert(order.begin(), v);
        } else if (assigned[v]) {
            assigned[v] = 0;
            queue.unassigned(v);
        } else {
            assigned[v] = 1;
        }
        const auto free = [&assigned](Var other) { return !assigned[other]; };
        const auto first = std::find_if(order.begin(), order.end(), free);
        CHECK(queue.next(free) == (first == order.end() ? Queue::none : *first));
        CHECK(std::is_sorted(order.begin(), order.end(),
                             [&queue](Var a, Var b) { return queue.stamp(a) > queue.stamp(b); }));
    }
}

void luby_is_the_sequence_of_the_paper() {
    constexpr std::uint64_t expected[] = {1, 1, 2, 1, 1, 2, 4, 1, 1, 2, 1, 1, 2, 4, 8, 1};
    for (std::size_t i = 0; i < std::size(expected); ++i) CHECK(luby(i + 1) == expected[i]);
}

void averages_are_right_from_the_first_conflict_on() {
    Averages averages;
    View view;
    view.last.glue = 7;
    averages.update(view, 3);
    CHECK(std::abs(view.glue.fast - 7) < 1e-9 && std::abs(view.glue.slow - 7) < 1e-6);
    CHECK(std::abs(view.decision_rate.fast - 3) < 1e-9);
    view.last.glue = 1;
    for (int i = 0; i < 2000; ++i) averages.update(view, 3);
    CHECK(std::abs(view.glue.fast - 1) < 1e-9);
    CHECK(view.glue.slow > 1 && view.glue.slow < 1.1);
}

void arena_keeps_clauses_through_a_move() {
    Random random(3);
    Arena arena;
    std::vector<Ref> refs;
    std::vector<std::vector<Lit>> clauses;
    for (std::uint32_t i = 0; i < 500; ++i) {
        std::vector<Lit> literals(3 + random.next() % 20);
        for (Lit &lit : literals) lit = static_cast<Lit>(random.next() % 1000);
        refs.push_back(arena.add(literals, i % 3 == 0, i));
        if (i % 3 == 0) arena[refs.back()].usage() = {i, i + 1, i + 2, 0.5f};
        clauses.push_back(literals);
    }
    const Ref from = refs[100];
    Arena fresh;
    std::size_t walked = 100;
    for (Ref ref = from; ref != arena.end(); ref = arena.next(ref), ++walked) {
        CHECK(ref == refs[walked]);
        if (walked % 2) arena.move_to(fresh, ref, from);
    }
    CHECK(walked == refs.size());
    for (std::size_t i = 101; i < refs.size(); i += 2) refs[i] = arena[refs[i]][0];
    arena.replace(from, fresh);
    for (std::size_t i = 0; i < refs.size(); i += i < 99 ? 1 : 2) {
        Clause &clause = arena[refs[i]];
        CHECK(std::ranges::equal(clause.literals(), clauses[i]));
        CHECK(clause.redundant == (i % 3 == 0) && clause.glue == i && !clause.moved);
        if (clause.redundant) CHECK(clause.usage().born == i && clause.usage().idle == i + 2);
    }
}

void glue_is_kept_within_its_bits() {
    Arena arena;
    const std::vector<Lit> literals = {0, 2, 4};
    Clause &clause = arena[arena.add(literals, true, ~0u)];
    CHECK(clause.glue == Clause::max_glue && clause.redundant && !clause.garbage);
}

void reasons_and_watches_tell_binary_clauses_apart() {
    CHECK(!Reason());
    CHECK(Reason::binary(0) && Reason::binary(0).is_binary() && Reason::binary(5).other() == 5);
    CHECK(Reason::clause(1).is_clause() && Reason::clause(9).ref() == 9);
    CHECK(Watch::binary(3, true).is_binary() && Watch::binary(3, true).is_redundant_binary());
    CHECK(!Watch::binary(3, false).is_redundant_binary() && !Watch::clause(3, 8).is_binary());
}

void phases_remember_the_longest_trail() {
    PhaseStore phases;
    for (int v = 0; v < 4; ++v) phases.add(1);
    const std::vector<Lit> longer = {literal(0, false), literal(2, true)}, shorter = {literal(0, true)};
    phases.record(longer);
    phases.record(shorter);
    CHECK(phases.target == std::vector<std::int8_t>({-1, 0, 1, 0}) && phases.best == phases.target);
    phases.forget();
    CHECK(phases.target == std::vector<std::int8_t>(4));
    phases.record(shorter);
    CHECK(phases.best == std::vector<std::int8_t>({1, 0, 0, 0}));
}

void limits_count_from_where_the_search_stands() {
    View view;
    view.conflicts = 10;
    Limits limits;
    limits.conflicts = 5;
    CHECK(limits.from(view).conflicts == 15);
    CHECK(limits.from(view).ticks == std::numeric_limits<std::uint64_t>::max());
}

void proof_lines_are_those_of_the_format() {
    for (const Proof::Format format : {Proof::Format::text, Proof::Format::binary}) {
        int ends[2];
        CHECK(pipe(ends) == 0);
        Proof proof(ends[1], format);
        const std::vector<Lit> clause = {from_dimacs(1), from_dimacs(-100)};
        proof.add(clause);
        proof.remove(clause);
        proof.add({});
        proof.flush();
        char bytes[64] = {};
        const ssize_t got = read(ends[0], bytes, sizeof bytes);
        const std::string_view expected = format == Proof::Format::text
                                              ? std::string_view("1 -100 0\nd 1 -100 0\n0\n")
                                              : std::string_view("a\x02\xc9\x01\0d\x02\xc9\x01\0a\0", 12);
        CHECK(std::string_view(bytes, static_cast<std::size_t>(got)) == expected);
    }
    Proof nobody;
    nobody.add({});
    nobody.flush();
}

struct Unit {
    const char *name;
    void (*run)();
};

#define UNIT(name) {#name, name}
constexpr Unit all[] = {
    UNIT(literals_are_those_of_dimacs),
    UNIT(heap_pops_in_the_order_of_scores_whatever_was_updated),
    UNIT(queue_gives_the_free_variable_nearest_to_the_front),
    UNIT(luby_is_the_sequence_of_the_paper),
    UNIT(averages_are_right_from_the_first_conflict_on),
    UNIT(arena_keeps_clauses_through_a_move),
    UNIT(glue_is_kept_within_its_bits),
    UNIT(reasons_and_watches_tell_binary_clauses_apart),
    UNIT(phases_remember_the_longest_trail),
    UNIT(limits_count_from_where_the_search_stands),
    UNIT(proof_lines_are_those_of_the_format),
};

} // namespace

int main(int, char **words) {
    for (const Unit &unit : all) {
        if (std::strcmp(unit.name, words[1]) != 0) continue;
        unit.run();
        return 0;
    }
    std::fprintf(stderr, "no such unit: %s\n", words[1]);
    return 1;
}
