# What every target of the house shares: language, warnings, sanitizers, and the shapes library / program / test.

set(FWUPDATE_SANITIZE "" CACHE STRING "Sanitizers for everything, e.g. address,undefined or thread")
option(FWUPDATE_FUZZ "Build the libFuzzer targets too (needs clang)" OFF)
option(FWUPDATE_TESTS "Build the tests" ON)

# Sanitizers make g++ 12 believe in uninitialized reads that are not there: warnings stop the ordinary build only.
set(fwupdate_strict -Werror)
if(FWUPDATE_SANITIZE)
  set(fwupdate_strict "")
endif()

add_library(fwupdate_options INTERFACE)
target_compile_features(fwupdate_options INTERFACE cxx_std_20)
target_include_directories(fwupdate_options INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
target_compile_options(fwupdate_options INTERFACE
  -Wall -Wextra -Wpedantic ${fwupdate_strict} -Wshadow -Wconversion -Wnon-virtual-dtor -Woverloaded-virtual)
target_compile_definitions(fwupdate_options INTERFACE BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE)
if(FWUPDATE_SANITIZE)
  target_compile_options(fwupdate_options INTERFACE
    -fsanitize=${FWUPDATE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  # g++ 12 sees uninitialized std::optional values in instrumented code where there are none; plain builds keep the check.
  target_compile_options(fwupdate_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_link_options(fwupdate_options INTERFACE -fsanitize=${FWUPDATE_SANITIZE})
else()
  target_compile_definitions(fwupdate_options INTERFACE $<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=2>)
  target_compile_options(fwupdate_options INTERFACE -fstack-protector-strong)
endif()
if(FWUPDATE_FUZZ)
  target_compile_options(fwupdate_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

add_custom_target(unit_tests) # all doctest programs
add_custom_target(fuzzers)    # all libFuzzer programs

# fwupdate_library(NAME SOURCES a.cpp ... LINK lib ...): a static library; position independent, as ipmitool links it.
function(fwupdate_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_link_libraries(${name} PUBLIC fwupdate_options ${ARG_LINK})
endfunction()

# fwupdate_test(NAME SOURCES a.cpp ... LINK lib ...): a doctest program, one ctest case, labelled "unit". What is tested
# is optimized, the tests are not: they would take three times as long to compile.
function(fwupdate_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  if(NOT TARGET doctest_main)
    add_library(doctest_main OBJECT ${PROJECT_SOURCE_DIR}/tests/doctest_main.cpp)
    target_link_libraries(doctest_main PRIVATE fwupdate_options)
  endif()
  add_executable(${name} ${ARG_SOURCES} $<TARGET_OBJECTS:doctest_main>)
  target_link_libraries(${name} PRIVATE fwupdate_options ${ARG_LINK})
  target_compile_options(${name} PRIVATE -O0 -U_FORTIFY_SOURCE)
  target_compile_definitions(${name} PRIVATE SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  add_dependencies(unit_tests ${name})
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 120)
endfunction()

# fwupdate_fuzzer(NAME SOURCES a.cpp LINK lib ...): a libFuzzer program with the corpus tests/fuzz/corpus/NAME.
function(fwupdate_fuzzer name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  if(FWUPDATE_FUZZ)
    add_executable(${name} ${ARG_SOURCES})
    add_dependencies(fuzzers ${name})
    target_link_libraries(${name} PRIVATE fwupdate_options ${ARG_LINK})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  endif()
endfunction()
