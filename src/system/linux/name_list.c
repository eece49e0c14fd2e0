/* Listing the names in /dev/shm, removing one of another program, and freeing the memory of stale ones.
**
** A stale name is never found, so its memory is all that remains of it. A process frees it in four ways:
** it examines every name when it lists them, when it creates a name for the first time, and before a call
** fails for want of memory; and it examines a few names with each later name that it creates. For the last
** way it keeps the file names that one reading of the folder gave, and continues where its last call
** stopped. So creating a name costs the same however many live names there are. */
#include "named.h"

#if FM_SYSTEM_LINUX

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

/* The next entry that can be a section's file, or NULL at the end and, with errno, on failure. */
static const struct dirent *next_file(DIR *folder)
{
  for (;;) {
    errno = 0;
    const struct dirent *d = readdir(folder);
    if (!d || d->d_type == DT_REG || d->d_type == DT_UNKNOWN) return d;
  }
}

/* {-- Listing ----------------------------------------------------------------------------------- */

/* A file that cannot be examined is not listed, unless descriptors or memory are missing. */
static int list_folder(DIR *folder, fm_entry *entries, size_t capacity, size_t *found, fm_error *e)
{
  const uid_t user = geteuid();
  const struct dirent *d;
  int tries = FM_TRIES;
  while ((d = next_file(folder))) {
    struct stat st;
    fm_entry entry;
    fm_name_file file;
    if (!fm_name_of_file(&file, entry.name, user, d->d_name)) continue;
    const int code = fm_examine(&st, &file, &tries, e);
    if (code == FM_SYSTEM || code == FM_NO_MEMORY) return code;
    if (code != FM_OK) continue;
    entry.size = (uint64_t)st.st_size;
    if (*found < capacity) entries[*found] = entry;
    ++*found;
  }
  return errno ? fm_fail_native(e, errno) : FM_OK;
}

int fm_sys_list(fm_entry *entries, size_t capacity, size_t *count, fm_error *e)
{
  size_t found = 0;
  DIR *folder = opendir(FM_FOLDER);
  if (!folder && errno == ENOENT) return fm_fail(e, FM_UNSUPPORTED, FM_FOLDER " does not exist");
  if (!folder) return fm_fail_native(e, errno);
  const int code = list_folder(folder, entries, capacity, &found, e);
  closedir(folder);
  if (code == FM_OK) *count = found;
  return code;
}

int fm_sys_unlink(const fm_name *name, fm_error *e)
{
  fm_name_file file;
  if (name->kind != FM_VERBATIM)
    return fm_fail(e, FM_INVALID, "only a name that starts with / can be unlinked; "
                   "other names are removed when their last holder closes them");
  const int code = fm_name_file_of(&file, name, e);
  if (code != FM_OK) return code;
  return unlink(file.path) == 0 ? FM_OK : fm_fail_native(e, errno);
}

/* {-- Freeing ----------------------------------------------------------------------------------- */

/* Most sections have a holder, which one descriptor shows without the checks of fm_examine. */
static bool is_held(const char *path)
{
  const int fd = fm_linux_open(path, O_RDONLY | O_NOFOLLOW, 0);
  if (fd < 0) return false;
  const bool held = fm_linux_see_lock(fd, FM_LIVENESS) > 0;
  close(fd);
  return held;
}

/* Only root can remove a name of another user. */
static bool is_removable(const fm_name_file *file)
{
  struct stat st;
  if (file->kind == FM_LOCAL || file->user == 0) return true;
  return lstat(file->path, &st) == 0 && st.st_uid == file->user;
}

/* It does not wait where the locks of another process keep it from knowing. */
static void free_if_stale(uid_t user, const char *name)
{
  struct stat st;
  fm_name_file file;
  int no_tries = 0;
  if (fm_name_of_file(&file, NULL, user, name) && is_removable(&file) && !is_held(file.path))
    fm_examine(&st, &file, &no_tries, NULL);
}

void fm_free_stale(void)
{
  const uid_t user = geteuid();
  const struct dirent *d;
  DIR *folder = opendir(FM_FOLDER);
  if (!folder) return;
  while ((d = next_file(folder))) free_if_stale(user, d->d_name);
  closedir(folder);
}

/* {-- Freeing a few at a time ------------------------------------------------------------------- */

enum {
  LEAST = 16,  /* names that a call examines */
  CALLS = 800, /* calls after which every name of a reading was examined: the contract allows 1,000 */
};

/* One reading of the folder: file names, each with its NUL. The process lock protects it. */
static struct {
  pid_t process; /* that has examined every name once */
  char *names;
  size_t size, capacity;
  size_t next; /* the place of the name to examine next */
  size_t count;
} reading;

static bool append(const char *name)
{
  const size_t length = strlen(name) + 1;
  if (length > reading.capacity - reading.size) {
    const size_t more = reading.capacity * 2 + 4096;
    char *grown = realloc(reading.names, more);
    if (!grown) return false;
    reading.names = grown;
    reading.capacity = more;
  }
  memcpy(reading.names + reading.size, name, length);
  reading.size += length;
  reading.count++;
  return true;
}

static void read_folder(uid_t user)
{
  const struct dirent *d;
  fm_name_file file;
  reading.size = reading.next = reading.count = 0;
  DIR *folder = opendir(FM_FOLDER);
  if (!folder) return;
  while ((d = next_file(folder)))
    if (fm_name_of_file(&file, NULL, user, d->d_name) && !append(d->d_name)) break;
  closedir(folder);
}

static void examine_some(uid_t user)
{
  if (reading.next == reading.size) read_folder(user);
  const size_t share = reading.count / CALLS + 1;
  for (size_t n = share < LEAST ? LEAST : share; n > 0 && reading.next < reading.size; n--) {
    const char *name = reading.names + reading.next;
    reading.next += strlen(name) + 1;
    free_if_stale(user, name);
  }
}

/* A forked child is another process, though it has its parent's memory. */
void fm_free_some_stale(void)
{
  const pid_t process = getpid();
  fm_sys_lock_process();
  const bool is_first = reading.process != process;
  reading.process = process;
  if (!is_first) examine_some(geteuid());
  fm_sys_unlock_process();
  if (is_first) fm_free_stale();
}

/* When the library is unloaded. */
static void __attribute__((destructor)) free_reading(void)
{
  free(reading.names);
}

#endif
