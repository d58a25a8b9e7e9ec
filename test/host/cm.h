/*
 * cm.h - cmocka with what it needs before it.
 */
#ifndef NX_TEST_CM_H
#define NX_TEST_CM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
