// Lets doctest show a Result: a failed REQUIRE(result) prints the error's sentence.
#pragma once

#include "common/result.hpp"

#include <doctest/doctest.h>

template <class T> struct doctest::StringMaker<fwupdate::Result<T>>
{
    static String convert(const fwupdate::Result<T>& result)
    {
        if (result.has_value())
        {
            return "a value";
        }
        const fwupdate::Error error = result.error();
        return String{("error " + std::to_string(static_cast<int>(error.kind)) + ": " + error.text).c_str()};
    }
};
