# Compiler flags, in one interface target that every target of ours links privately.
add_library(nexus_flags INTERFACE)
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# Assertions stay on in what is shipped: a broken invariant must not run on.
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")

target_include_directories(nexus_flags INTERFACE "${PROJECT_SOURCE_DIR}")
target_compile_definitions(nexus_flags INTERFACE _GNU_SOURCE)
target_compile_options(nexus_flags INTERFACE
    -fvisibility=hidden -fno-semantic-interposition -fno-plt -fno-strict-aliasing
    -Wall -Wextra -Wshadow -Wconversion -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes -Wvla
    -Wcast-qual -Wwrite-strings -Wundef -Wimplicit-fallthrough -Wnull-dereference
    $<$<C_COMPILER_ID:GNU>:-Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wjump-misses-init>
    $<$<BOOL:${NX_WERROR}>:-Werror>)

if(NX_SANITIZE)
    target_compile_options(nexus_flags INTERFACE -fsanitize=${NX_SANITIZE} -fno-omit-frame-pointer
        -fno-sanitize-recover=undefined)
    target_link_options(nexus_flags INTERFACE -fsanitize=${NX_SANITIZE})
else()
    # OpenSSF Compiler Options Hardening Guide, as far as gcc 12 and clang 14 take it.
    target_compile_options(nexus_flags INTERFACE -fstack-protector-strong -fstack-clash-protection
        $<$<C_COMPILER_ID:GNU>:-ftrivial-auto-var-init=zero>
        $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2>)
    target_link_options(nexus_flags INTERFACE -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
endif()

# Link-time optimisation for programs that ask for it (nexus_optimise_at_link), in release builds.
# Objects carry machine code too, so all else links as it would without: quickly.
set(NX_LTO OFF)
if(CMAKE_BUILD_TYPE MATCHES "^(RelWithDebInfo|Release)$" AND CMAKE_C_COMPILER_ID STREQUAL "GNU"
   AND NOT NX_SANITIZE AND NOT NX_FUZZ)
    include(CheckIPOSupported)
    check_ipo_supported(RESULT NX_LTO OUTPUT ignored LANGUAGES C)
endif()
if(NX_LTO)
    target_compile_options(nexus_flags INTERFACE -flto -ffat-lto-objects)
    target_link_options(nexus_flags INTERFACE
        $<IF:$<BOOL:$<TARGET_PROPERTY:NX_LTO>>,-flto=auto,-fno-lto>)
endif()

function(nexus_optimise_at_link)
    set_target_properties(${ARGN} PROPERTIES NX_LTO ON)
endfunction()

if(NX_FUZZ)
    target_compile_options(nexus_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
