/* Steps: the moments between which a process may die or be overtaken, by name. In a build for tests (FM_STEPS) a process
** can be stopped at one, or another thread let in; elsewhere they are nothing. */
#ifndef FILEMAP_STEP_H
#define FILEMAP_STEP_H

#ifdef FM_STEPS
void fm_step(const char *name);
#define FM_STEP(name) fm_step(name)
#else
#define FM_STEP(name) ((void)0)
#endif

#endif
