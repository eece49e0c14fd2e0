/* Waiting for the first of several things: sync objects and channel ends.
**
** A process that waits
**   1. sets the lowest bit of the word of each wait point, and then passes one full fence,
**   2. looks at the things in their order,
**   3. sleeps for as long as all the words stay as they were after step 1.
** A process that wakes does what wait.h says. So what holds for one wait point holds for each of these: one
** of the two processes sees what the other wrote. A process that finds the first thing ready leaves the bits
** of the others set, which causes one waking for nothing at each. */
#ifndef FILEMAP_WAIT_ANY_H
#define FILEMAP_WAIT_ANY_H

#include "wait.h"

FM_BEGIN_HIDDEN

/* Waits up to `timeout` seconds for the first of `count` sources that is ready. *index is its number, from 0;
** after a failure of a look it is the number of the source that failed, and after FM_TIMEOUT it is unchanged.
** */
int fm_await_any(fm_source *sources, size_t count, double timeout, size_t *index, fm_error *e);

FM_END_HIDDEN

#endif
