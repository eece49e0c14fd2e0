/* Test hooks: named points at which a process may be killed, or another process may run. In a build for tests
** (FM_TEST_HOOKS) a process can be stopped at one. In other builds they do nothing.
**
** FM_TEST_SLEEP(seconds) is how long to sleep where another process wakes. In a build for tests it can be
** endless: a process then continues only if it is woken. */
#ifndef FILEMAP_TEST_HOOK_H
#define FILEMAP_TEST_HOOK_H

#include "hidden.h"

FM_BEGIN_HIDDEN

#ifdef FM_TEST_HOOKS
void fm_test_hook(const char *name);
double fm_test_sleep(double seconds);
#define FM_TEST_HOOK(name) fm_test_hook(name)
#define FM_TEST_SLEEP(seconds) fm_test_sleep(seconds)
#else
#define FM_TEST_HOOK(name) ((void)0)
#define FM_TEST_SLEEP(seconds) (seconds)
#endif

FM_END_HIDDEN

#endif
