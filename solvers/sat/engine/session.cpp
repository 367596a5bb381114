#include "session.hpp"

#include "error.hpp"
#include "input.hpp"
#include "output.hpp"

#include <charconv>
#include <cstdlib>
#include <string>
#include <unistd.h>

namespace slotforge {

namespace {

// The numbers after the letter of a command.
class Numbers {
  public:
    explicit Numbers(std::string_view text) : text_(text) {}

    long next() {
        while (!text_.empty() && (text_.front() == ' ' || text_.front() == '\r')) text_.remove_prefix(1);
        long number = 0;
        const auto [stop, error] = std::from_chars(text_.data(), text_.data() + text_.size(), number);
        if (error != std::errc()) throw Error(text_.empty() ? "the line ends before its 0" : "not a number: " + word());
        text_.remove_prefix(static_cast<std::size_t>(stop - text_.data()));
        return number;
    }

    std::vector<int> literals() {
        std::vector<int> result;
        while (const long number = next()) {
            if (std::abs(number) > static_cast<long>(max_variables)) throw Error("a variable beyond the largest");
            result.push_back(static_cast<int>(number));
        }
        return result;
    }

    // -1 means none.
    std::uint64_t budget() {
        const long number = next();
        return number < 0 ? std::numeric_limits<std::uint64_t>::max() : static_cast<std::uint64_t>(number);
    }

  private:
    std::string word() const { return std::string(text_.substr(0, text_.find(' '))); }
    std::string_view text_;
};

void reply(const std::string &line) {
    write_all(STDOUT_FILENO, line + "\n");
}

void add(Solver &solver, Numbers numbers) {
    solver.add_clause(numbers.literals());
}

void prefer(Solver &solver, Numbers numbers) {
    for (const int lit : numbers.literals()) solver.prefer(lit);
}

void solve(Solver &solver, Numbers numbers) {
    Limits limits;
    limits.conflicts = numbers.budget();
    limits.propagations = numbers.budget();
    const Answer answer = solver.solve(numbers.literals(), limits);
    solver.clear_interrupt();
    reply("r " + std::to_string(static_cast<int>(answer)));
}

void propagate(Solver &solver, Numbers numbers) {
    std::vector<int> implied;
    const bool consistent = solver.propagate_assumptions(numbers.literals(), implied);
    reply((consistent ? "P 1 " : "P 0 ") + words(implied) + "0");
}

void model(Solver &solver, Numbers) {
    reply("m " + words(solver.model()) + "0");
}
void core(Solver &solver, Numbers) {
    reply("c " + words(solver.core()) + "0");
}
void statistics(Solver &solver, Numbers) {
    reply(std::string("{").append(statistics_members(solver)).append("}"));
}

struct Command {
    char letter;
    void (*run)(Solver &, Numbers);
};

constexpr Command commands[] = {{'a', add},  {'p', prefer},    {'s', solve},     {'m', model},
                                {'c', core}, {'P', propagate}, {'t', statistics}};

bool read_line(Input &input, std::string &line) {
    line.clear();
    int c;
    while ((c = input.get()) != Input::end && c != '\n') line += static_cast<char>(c);
    return c != Input::end || !line.empty();
}

void run(Solver &solver, const std::string &line) {
    for (const Command &command : commands)
        if (line[0] == command.letter && (line.size() == 1 || line[1] == ' '))
            return command.run(solver, Numbers(std::string_view(line).substr(1)));
    throw Error("unknown command '" + line.substr(0, line.find(' ')) + "'");
}

} // namespace

void serve_session(Solver &solver) {
    Input input("-");
    for (std::string line; read_line(input, line);) {
        if (line.empty()) continue;
        if (line == "q") return;
        try {
            run(solver, line);
        } catch (const Error &error) {
            reply(std::string("e ") + error.what());
        }
    }
}

} // namespace slotforge
