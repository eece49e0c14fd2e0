/* The files in /dev/shm that names stand for. shm_open(3) has its files there too.
**
** /dev/shm is sticky: another user can neither remove nor rename a file of this user's. It can plant a
** file at the path of a name that this user is about to create. So each file is examined before it is
** opened, and again after. */
#include "named.h"
#include "../../base/test_hook.h"

#if FM_SYSTEM_LINUX

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define OURS "filemap."
#define GLOBAL OURS "global."

/* The start of the file names of a user's Local\ sections. */
static int local_prefix(char *out, size_t size, uid_t user)
{
  return snprintf(out, size, OURS "%" PRIuMAX ".", (uintmax_t)user);
}

/* A file name cannot hold "/", and a section's name cannot hold "\": each "/" of a name is a "\" in its
** file's name. */
static void replace(char *s, char from, char to)
{
  for (; *s != 0; s++)
    if (*s == from) *s = to;
}

static int check_verbatim(const char *rest, fm_error *e)
{
  if (strchr(rest, '/'))
    return fm_fail(e, FM_INVALID, "a name that starts with / must not have a second /; "
                   "to map the file at a path, use filemap.file (fm_file in C)");
  if (strncmp(rest, OURS, strlen(OURS)) == 0)
    return fm_fail(e, FM_INVALID, "/" OURS "... is the file of a Local\\ or Global\\ name; "
                   "open the section by that name");
  return FM_OK;
}

int fm_name_file_of(fm_name_file *out, const fm_name *name, fm_error *e)
{
  char prefix[32] = "";
  const int code = name->kind == FM_VERBATIM ? check_verbatim(name->rest, e) : FM_OK;
  if (code != FM_OK) return code;
  out->kind = name->kind;
  out->user = geteuid();
  if (name->kind == FM_LOCAL) local_prefix(prefix, sizeof prefix, out->user);
  if (name->kind == FM_GLOBAL) strcpy(prefix, GLOBAL);
  snprintf(out->path, sizeof out->path, FM_FOLDER "%s%s", prefix, name->rest);
  replace(out->path + strlen(FM_FOLDER), '/', '\\');
  return FM_OK;
}

bool fm_name_of_file(fm_name_file *out, char name[FM_NAME_SIZE], uid_t user, const char *file)
{
  char local[32];
  const size_t length = (size_t)local_prefix(local, sizeof local, user);
  const bool is_local = strncmp(file, local, length) == 0;
  if (!is_local && strncmp(file, GLOBAL, strlen(GLOBAL)) != 0) return false;
  const char *rest = file + (is_local ? length : strlen(GLOBAL));
  if (rest[0] == 0 || strlen(rest) > FM_NAME_MAX) return false;
  out->kind = is_local ? FM_LOCAL : FM_GLOBAL;
  out->user = user;
  snprintf(out->path, sizeof out->path, FM_FOLDER "%s", file);
  if (name) {
    const int prefix = snprintf(name, FM_NAME_SIZE, "%s\\%s", is_local ? "Local" : "Global", rest);
    replace(name + prefix - strlen(rest), '\\', '/');
  }
  return true;
}

/* A Local file must be this user's. Another user who can write a Global section can link it under any
** name. */
static int check_file(const struct stat *st, const fm_name_file *file, fm_error *e)
{
  if (file->kind == FM_LOCAL && st->st_uid != file->user)
    return fm_fail(e, FM_DENIED, "its file belongs to user %ju, not to this user (%ju): %s",
                   (uintmax_t)st->st_uid, (uintmax_t)file->user, file->path);
  if (!S_ISREG(st->st_mode)) return fm_fail(e, FM_INVALID, "its file is not a regular file: %s", file->path);
  if (file->kind != FM_VERBATIM && (st->st_nlink > 1 || st->st_mode & FM_DISOWNED))
    return fm_fail(e, FM_DENIED, "its file is a hard link to another file: %s", file->path);
  return FM_OK;
}

int fm_name_file_open(int *out, struct stat *st, const fm_name_file *file, int flags, fm_error *e)
{
  if (lstat(file->path, st) != 0) return fm_fail_native(e, errno);
  int code = check_file(st, file, e);
  if (code != FM_OK) return code;
  FM_TEST_HOOK("seen");
  const int fd = fm_linux_open(file->path, flags | O_NOFOLLOW, 0);
  if (fd < 0) return fm_fail_native(e, errno);
  code = fstat(fd, st) == 0 ? check_file(st, file, e) : fm_fail_native(e, errno);
  if (code == FM_OK) *out = fd;
  else close(fd);
  return code;
}

#endif
