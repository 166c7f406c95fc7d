// Lets doctest show an Outcome: a failed REQUIRE(outcome) prints the refusal's name and sentence.
#pragma once

#include "bmc-agent/software/errors.hpp"
#include "tests/common/result_printing.hpp"

template <class T> struct doctest::StringMaker<fwupdate::agent::software::Outcome<T>>
{
    static String convert(const fwupdate::agent::software::Outcome<T>& outcome)
    {
        if (outcome.has_value())
        {
            return "a value";
        }
        const fwupdate::agent::software::Refusal refusal = outcome.error();
        return String{(std::string{dbus_name(refusal.code)} + ": " + refusal.text).c_str()};
    }
};
