#include "dimacs.hpp"

#include "error.hpp"
#include "input.hpp"

#include <optional>

namespace slotforge {

namespace {

bool is_space(int c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}
bool is_digit(int c) {
    return c >= '0' && c <= '9';
}

class Reader {
  public:
    Reader(const std::string &path, Solver &solver) : path_(path), input_(path), solver_(solver) { next(); }

    Departures read() {
        while (next_word(), c_ != Input::end && c_ != '%') {
            if (c_ == 'c')
                skip_line();
            else if (c_ == 'p')
                read_header();
            else
                take(read_number("a literal", largest));
        }
        if (c_ == '%') skip_rest();
        if (!clause_.empty()) fail("the file ends within a clause (no closing 0)");
        input_.close();
        if (const char *reason = departures_.ends()) fail(reason);
        solver_.reserve(static_cast<int>(variables_.value_or(0)));
        return departures_;
    }

  private:
    static constexpr long largest = max_variables;
    static constexpr long most_clauses = 99'999'999'999'999'999;

    [[noreturn]] void fail(const std::string &reason) const {
        throw Error((path_ == "-" ? "<stdin>" : path_) + ":" + std::to_string(line_) + ": " + reason);
    }

    void next() {
        if (c_ == '\n') ++line_;
        c_ = input_.get();
    }

    void skip_space() {
        while (is_space(c_)) next();
    }

    void next_word() {
        skip_space();
        if (const char *reason = departures_.begins(c_, line_)) fail(reason);
    }

    void skip_line() {
        while (c_ != '\n' && c_ != Input::end) next();
    }

    void skip_rest() {
        while (c_ != Input::end) next();
    }

    std::string read_word() {
        constexpr std::size_t shown = 40;
        std::string word;
        for (; !is_space(c_) && c_ != Input::end; next())
            if (word.size() < shown) word += c_ >= ' ' && c_ <= '~' ? static_cast<char>(c_) : '?';
        return word;
    }

    long read_number(const char *what, long limit) {
        const bool minus = c_ == '-';
        if (minus) next();
        if (const char *reason = departures_.digit(minus, c_)) fail(reason);
        if (!is_digit(c_)) fail("expected " + std::string(what) + ", found '" + (minus ? "-" : "") + read_word() + "'");
        long number = 0;
        for (; is_digit(c_); next()) {
            number = 10 * number + (c_ - '0');
            if (number > limit)
                fail(std::string(limit == largest ? "a variable is at most " : "a number beyond ") +
                     std::to_string(limit));
        }
        if (!is_space(c_) && c_ != Input::end)
            fail("expected " + std::string(what) + ", found '" + std::to_string(number) + read_word() + "'");
        return minus ? -number : number;
    }

    void read_header() {
        if (variables_) fail("a second header");
        if (read_word() != "p") fail("expected the header 'p cnf VARIABLES CLAUSES'");
        skip_space();
        if (const std::string format = read_word(); format != "cnf") fail("format '" + format + "' is not cnf");
        skip_space();
        variables_ = read_number("the number of variables", largest);
        skip_space();
        const long clauses = read_number("the number of clauses", most_clauses);
        if (*variables_ < 0 || clauses < 0) fail("a negative number in the header");
        if (const char *reason = departures_.header(*variables_, clauses, line_)) fail(reason);
    }

    void take(long literal) {
        if (const char *reason = departures_.literal(literal, line_)) fail(reason);
        if (literal != 0) return clause_.push_back(static_cast<int>(literal));
        solver_.add_clause(clause_);
        clause_.clear();
    }

    const std::string &path_;
    Input input_;
    Solver &solver_;
    int c_ = ' ';
    std::size_t line_ = 1;
    std::optional<long> variables_;
    std::vector<int> clause_;
    [[no_unique_address]] Departures departures_;
};

} // namespace

Departures read_dimacs(const std::string &path, Solver &solver) {
    return Reader(path, solver).read();
}

} // namespace slotforge
