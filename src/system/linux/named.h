/* The functions that the files about named sections share: name_file.c (paths), holders.c (locks),
** named_section.c (create, open, close) and name_list.c (list, and freeing the memory of stale names). */
#ifndef FILEMAP_LINUX_NAMED_H
#define FILEMAP_LINUX_NAMED_H

#include "linux.h"

#if FM_SYSTEM_LINUX

FM_BEGIN_HIDDEN

#define FM_FOLDER "/dev/shm/"

/* A result beside the codes: no process holds the section, but only another user can remove its name. */
enum { FM_UNREMOVABLE = -1 };

/* {-- Paths and planted files (name_file.c) ------------------------------------------------------ */

/* Fills `out` for a name and the present user. FM_INVALID for a verbatim name that has no file of its own. */
int fm_name_file_of(fm_name_file *out, const fm_name *name, fm_error *e);

/* The reverse: fills `out` for the name `file` of a file in FM_FOLDER, and `name`, if it is not NULL, with
** the section's name (Local\Name or Global\Name). False if such a file is not a section of `user` or of
** all users. */
bool fm_name_of_file(fm_name_file *out, char name[FM_NAME_SIZE], uid_t user, const char *file);

/* Opens the file and checks that another user did not plant it: FM_DENIED or FM_INVALID if so. It does not
** follow links or wait, and looks before it opens, since opening a FIFO or a device has effects. *st
** describes the open file. */
int fm_name_file_open(int *fd, struct stat *st, const fm_name_file *file, int flags, fm_error *e);

/* {-- Holders (holders.c) ------------------------------------------------------------------------ */

/* Makes the process a holder of a new section, which has no name yet. */
int fm_hold_new(int fd, fm_error *e);

/* Makes the process a holder of the section that is open as `fd`. FM_NOT_FOUND or FM_IN_USE: the section
** was stale or is about to be removed, and the caller opens the name again. FM_UNREMOVABLE. *tries limits
** how often it waits for another process. */
int fm_hold(int fd, const struct stat *st, const fm_name_file *file, int *tries, fm_error *e);

/* Ends the hold of a process that shares the open file description with no other process. */
void fm_end_hold(int fd);

/* Is another open file description a holder of the section? FM_OK if so. FM_NOT_FOUND if not, and then the
** name is removed; FM_UNREMOVABLE if it cannot be. FM_IN_USE if the locks of another process kept that
** unknown for *tries tries, which several calls may share. */
int fm_remove_if_stale(int fd, const struct stat *st, const fm_name_file *file, int *tries, fm_error *e);

/* The same for the file of a name, which is opened and checked first. *st describes it. */
int fm_examine(struct stat *st, const fm_name_file *file, int *tries, fm_error *e);

FM_END_HIDDEN

#endif
#endif
