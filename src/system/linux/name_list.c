/* Listing the names in /dev/shm, removing one of another program, and freeing the memory of stale ones.
**
** A stale name is never found, so its memory is all that remains of it. A process frees it in three ways: it
** examines every name when it lists them, and before a call fails for want of memory; and it examines a few
** names with each name that it creates. For the last way it keeps the file names that one reading of the
** folder gave, and continues where its last call stopped. So creating a name costs the same however many live
** names there are, but for the reading itself. */
#include "named.h"

#if FM_SYSTEM_LINUX

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

/* A file that cannot be examined is not listed, unless descriptors or memory are missing. Other programs may
** have made files of names that no call of this library accepts, and empty ones. */
static int list_folder(DIR *folder, fm_entry *entries, size_t capacity, size_t *found, fm_error *e)
{
  const uid_t user = geteuid();
  const struct dirent *d;
  int tries = FM_TRIES;
  while ((d = next_file(folder))) {
    struct stat st;
    fm_entry entry;
    fm_name parsed;
    fm_name_file file;
    if (!fm_name_of_file(&file, entry.name, user, d->d_name)) continue;
    if (fm_name_parse(&parsed, entry.name, NULL) != FM_OK) continue;
    const int code = fm_examine(&st, &file, &tries, e);
    if (code == FM_SYSTEM || code == FM_NO_MEMORY) return code;
    if (code != FM_OK || st.st_size == 0) continue;
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

/* CALLS: the calls after which every name of a reading was examined. A name may be made just after a reading
** began, and be examined at the end of the next one: the contract allows 1,000 calls. */
enum {
  LEAST = 23,  /* names that a call examines */
  FIRST = 256, /* and that a process's first call examines, since it may be its only one */
  CALLS = 450,
};

/* One reading of the folder: file names, each with its NUL, as a circle. The process lock protects it. */
static struct {
  pid_t process; /* that read */
  char *names;
  size_t size, capacity;
  size_t count;
  size_t next; /* the place of the name to examine next */
  size_t left; /* how many names are still to be examined */
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
  reading.size = reading.count = reading.next = reading.left = 0;
  DIR *folder = opendir(FM_FOLDER);
  if (!folder) return;
  while ((d = next_file(folder)))
    if (fm_name_of_file(&file, NULL, user, d->d_name) && !append(d->d_name)) break;
  closedir(folder);
  reading.left = reading.count;
}

static const char *next_name(void)
{
  if (reading.next == reading.size) reading.next = 0;
  const char *name = reading.names + reading.next;
  reading.next += strlen(name) + 1;
  return name;
}

/* Each process begins at another place, so that many processes that create one name each examine all names
** too. Their numbers alone would not do: in containers they are often the same. */
static void begin_reading(uid_t user, pid_t process)
{
  struct timespec now;
  read_folder(user);
  reading.process = process;
  clock_gettime(CLOCK_MONOTONIC, &now);
  const uint32_t hash = ((uint32_t)process ^ (uint32_t)now.tv_nsec) * 2654435769u;
  for (uint64_t n = (uint64_t)hash * reading.count >> 32; n > 0; n--) next_name();
}

/* A forked child is another process, though it has its parent's memory. */
void fm_free_some_stale(void)
{
  const pid_t process = getpid();
  const uid_t user = geteuid();
  size_t most = FIRST;
  fm_sys_lock_process();
  if (reading.process != process) {
    begin_reading(user, process);
  } else {
    if (reading.left == 0) read_folder(user);
    most = reading.count / CALLS + 1;
    if (most < LEAST) most = LEAST;
  }
  for (; most > 0 && reading.left > 0; most--, reading.left--) free_if_stale(user, next_name());
  fm_sys_unlock_process();
}

/* When the library is unloaded. */
static void __attribute__((destructor)) free_reading(void)
{
  free(reading.names);
}

#endif
