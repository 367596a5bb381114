// slotforge-drat FORMULA.cnf PROOF [--time-limit SECONDS] [--binary|--text]
//
// Checks that a DRAT proof refutes a formula. PROOF may be '-' for standard input. Prints one of
//   s VERIFIED      (exit 0)
//   s NOT VERIFIED  (exit 1), then a comment line with the place in the proof and the reason
//   s UNKNOWN       (exit 2), then a comment line: the limit of processor time was reached, or memory ran out
// Wrong usage and unreadable input end with exit 3 and one line on standard error. Nothing is written to disk.

#include "check.hpp"
#include "parse.hpp"

#include <charconv>
#include <cstdio>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

enum Exit { verified = 0, refused = 1, unknown = 2, bad_input = 3 };

constexpr const char *usage =
    "usage: slotforge-drat FORMULA.cnf PROOF [--time-limit SECONDS] [--binary|--text]   (PROOF - reads standard input)";

struct Options {
    std::vector<std::string> files;
    double time_limit = -1;
    drat::Format format = drat::Format::automatic;
};

// Reads the command line; none when it is not as the usage says.
std::optional<Options> read_options(std::span<char *const> arguments) {
    Options options;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string_view argument = arguments[i];
        if (argument == "--binary")
            options.format = drat::Format::binary;
        else if (argument == "--text")
            options.format = drat::Format::text;
        else if (argument == "--time-limit" && i + 1 < arguments.size()) {
            const std::string_view value = arguments[++i];
            const auto [rest, error] = std::from_chars(value.begin(), value.end(), options.time_limit);
            if (error != std::errc() || rest != value.end() || !(options.time_limit >= 0)) return std::nullopt;
        } else if (argument.starts_with("-") && argument != "-")
            return std::nullopt;
        else
            options.files.emplace_back(argument);
    }
    if (options.files.size() != 2 || options.files[0] == "-") return std::nullopt;
    return options;
}

Exit give_up(const char *reason) {
    std::printf("s UNKNOWN\nc %s\n", reason);
    return unknown;
}

Exit check(const Options &options) {
    drat::FormulaParser formula(options.files[0]);
    drat::ProofParser proof(options.files[1], options.format);
    drat::Checker checker{drat::Deadline(options.time_limit)};
    const drat::Verdict verdict = checker.run(formula, proof);
    std::printf("c %llu lemmas read, %llu checked, %llu of them RAT\n", static_cast<unsigned long long>(verdict.lemmas),
                static_cast<unsigned long long>(verdict.checked), static_cast<unsigned long long>(verdict.rat));
    if (verdict.verified) {
        std::printf("s VERIFIED\n");
        return verified;
    }
    std::printf("s NOT VERIFIED\nc %s\n", verdict.reason.c_str());
    return refused;
}

} // namespace

int main(int argc, char **argv) {
    const auto options = read_options({argv + 1, argv + argc});
    if (!options) {
        std::fprintf(stderr, "%s\n", usage);
        return bad_input;
    }
    try {
        return check(*options);
    } catch (const drat::InputError &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return bad_input;
    } catch (const drat::OutOfTime &) {
        return give_up("the time limit was reached");
    } catch (const std::bad_alloc &) {
        return give_up("memory ran out");
    }
}
