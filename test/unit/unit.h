/*
 * unit.h - cmocka with the headers that it asks for.
 */
#ifndef NX_TEST_UNIT_H
#define NX_TEST_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
