/* Test hooks: named points at which a process may be killed, or another process may run. In a build for tests
** (FM_TEST_HOOKS) a process can be stopped at one. In other builds they do nothing. */
#ifndef FILEMAP_TEST_HOOK_H
#define FILEMAP_TEST_HOOK_H

#include "hidden.h"

FM_BEGIN_HIDDEN

#ifdef FM_TEST_HOOKS
void fm_test_hook(const char *name);
#define FM_TEST_HOOK(name) fm_test_hook(name)
#else
#define FM_TEST_HOOK(name) ((void)0)
#endif

FM_END_HIDDEN

#endif
