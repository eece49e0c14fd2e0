/* Steps: the moments between which a process may die or be overtaken, by name. In a build for tests (FM_TEST_HOOKS) a process
** can be stopped at one, or another thread let in; elsewhere they are nothing. */
#ifndef FILEMAP_TEST_HOOK_H
#define FILEMAP_TEST_HOOK_H

#ifdef FM_TEST_HOOKS
void fm_test_hook(const char *name);
#define FM_TEST_HOOK(name) fm_test_hook(name)
#else
#define FM_TEST_HOOK(name) ((void)0)
#endif

#endif
