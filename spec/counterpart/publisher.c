/* A program that makes a mutex and an event for scripts to use: publisher MUTEX EVENT [SDDL]. SDDL gives
** other processes their rights to both. The program reads commands, one a line, and prints "done" after
** each: set, reset, lock, unlock; wait (for the event; prints "set" or "not set"); die (without
** unlocking). */
#include <stdio.h>
#include <string.h>
#include <windows.h>
#include <sddl.h>

static int fail(const char *call)
{
  printf("%s failed: %lu\n", call, GetLastError());
  return 1;
}

static void say(const char *line)
{
  printf("%s\n", line);
  fflush(stdout);
}

static void obey(const char *order, HANDLE mutex, HANDLE event)
{
  const char *answer = "done";
  BOOL ok = TRUE;
  if (strcmp(order, "set") == 0) ok = SetEvent(event);
  else if (strcmp(order, "reset") == 0) ok = ResetEvent(event);
  else if (strcmp(order, "lock") == 0) ok = WaitForSingleObject(mutex, 10000) == WAIT_OBJECT_0;
  else if (strcmp(order, "unlock") == 0) ok = ReleaseMutex(mutex);
  else if (strcmp(order, "wait") == 0)
    answer = WaitForSingleObject(event, 0) == WAIT_OBJECT_0 ? "set" : "not set";
  else if (strcmp(order, "die") == 0) TerminateProcess(GetCurrentProcess(), 3);
  else ok = FALSE;
  say(ok ? answer : "failed");
}

int main(int argc, char **argv)
{
  static char line[256];
  SECURITY_ATTRIBUTES attributes = {sizeof attributes, NULL, FALSE};
  if (argc < 3) return 2;
  if (argc > 3 && !ConvertStringSecurityDescriptorToSecurityDescriptorA(
                      argv[3], SDDL_REVISION_1, &attributes.lpSecurityDescriptor, NULL))
    return fail("ConvertStringSecurityDescriptorToSecurityDescriptor");
  HANDLE mutex = CreateMutexA(&attributes, FALSE, argv[1]);
  if (!mutex) return fail("CreateMutex");
  HANDLE event = CreateEventA(&attributes, TRUE, FALSE, argv[2]);
  if (!event) return fail("CreateEvent");
  say("READY");
  while (fgets(line, sizeof line, stdin)) {
    line[strcspn(line, "\r\n")] = 0;
    obey(line, mutex, event);
  }
  return 0;
}
