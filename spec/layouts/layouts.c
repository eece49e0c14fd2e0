/* The counterpart of spec/layouts_spec.lua: writes one struct of a published layout, filled with values,
** to a file. After a line on standard input, it checks the values that Lua has written there meanwhile.
**
** usage: layouts NAME FILE */
#include <stdio.h>
#include <string.h>

#include "assetto.h"
#include "coretemp.h"
#include "freetrack.h"
#include "hwinfo.h"
#include "mumble.h"
#include "rfactor2.h"
#include "rtss.h"

static int wrong;

#define CHECK(condition) do { if (!(condition)) { wrong = 1; printf("not so: %s\n", #condition); } } while (0)

/* Each element of an array gets another number, so that a wrong index is noticed. */
#define COUNT(array) (sizeof(array) / sizeof *(array))
#define FILL(array, start) for (unsigned i_ = 0; i_ < COUNT(array); i_++) (array)[i_] = (start) + i_
#define CHECK_ALL(array, start) \
  for (unsigned i_ = 0; i_ < COUNT(array); i_++) CHECK((array)[i_] == (start) + i_)

static void fill_mumble(struct LinkedMem *m)
{
  m->uiVersion = MUMBLE_LINK_VERSION;
  m->uiTick = 4000000000u;
  FILL(m->fAvatarPosition, 1.5f);
  FILL(m->fAvatarFront, -1.0f);
  FILL(m->fAvatarTop, 10.25f);
  wcscpy(m->name, L"The Game");
  FILL(m->fCameraPosition, 100.0f);
  FILL(m->fCameraFront, 200.0f);
  FILL(m->fCameraTop, 300.0f);
  wcscpy(m->identity, L"J\u00f6rg");
  m->context_len = 3;
  memcpy(m->context, "a\0b", 3);
  m->context[255] = 0xfe;
  wcscpy(m->description, L"a game to hear oneself in");
}

static void check_mumble(const struct LinkedMem *m)
{
  CHECK(m->uiVersion == 3 && m->uiTick == 7);
  CHECK_ALL(m->fAvatarPosition, 2.5f);
  CHECK_ALL(m->fAvatarFront, -1.0f); /* unchanged */
  CHECK_ALL(m->fCameraTop, 0.5f);
  CHECK(!wcscmp(m->name, L"\u00c4nderung"));
  CHECK(!wcscmp(m->identity, L"J\u00f6rg"));
  CHECK(m->context_len == 256 && m->context[0] == 'z' && m->context[255] == 0xfe);
  CHECK(!wcscmp(m->description, L""));
}

static void fill_physics(SPageFilePhysics *p)
{
  p->packetId = -2;
  p->gas = 0.5f;
  p->gear = 3;
  p->rpms = 8500;
  FILL(p->velocity, -3.0f);
  FILL(p->wheelSlip, 0.25f);
  FILL(p->suspensionTravel, 7.0f);
  p->cgHeight = 0.375f;
  FILL(p->carDamage, 40.0f);
  p->autoShifterOn = 1;
  FILL(p->rideHeight, 0.125f);
  p->airDensity = 1.25f;
}

static void check_physics(const SPageFilePhysics *p)
{
  CHECK(p->packetId == 99 && p->gas == 1.0f && p->gear == -1 && p->rpms == 8500);
  CHECK_ALL(p->accG, 2.0f);
  CHECK_ALL(p->suspensionTravel, 8.0f);
  CHECK(p->carDamage[4] == 44.0f && p->rideHeight[1] == -0.5f && p->airDensity == 1.5f);
}

static void fill_graphic(SPageFileGraphic *g)
{
  g->packetId = 12;
  g->status = AC_LIVE;
  g->session = AC_UNKNOWN;
  wcscpy(g->currentTime, L"1:23:456");
  wcscpy(g->split, L"0:59:000");
  g->position = 4;
  g->iBestTime = 83456;
  wcscpy(g->tyreCompound, L"Soft \u2014 slick");
  g->normalizedCarPosition = 0.75f;
  FILL(g->carCoordinates, 1000.0f);
}

static void check_graphic(const SPageFileGraphic *g)
{
  CHECK(g->status == AC_PAUSE && g->session == AC_RACE && g->position == 4 && g->iBestTime == -1);
  CHECK(!wcscmp(g->currentTime, L"1:23:456") && !wcscmp(g->lastTime, L"12345678901234"));
  CHECK(!wcscmp(g->tyreCompound, L"\u00fcberhart") && g->replayTimeMultiplier == 0.5f);
  CHECK_ALL(g->carCoordinates, -8.0f);
}

static void fill_static(SPageFileStatic *s)
{
  wcscpy(s->smVersion, L"1.7");
  wcscpy(s->acVersion, L"1.16.4");
  s->numCars = 24;
  wcscpy(s->track, L"spa");
  wcscpy(s->playerNick, L"nick");
  s->sectorCount = 3;
  s->maxRpm = 9000;
  FILL(s->tyreRadius, 0.25f);
}

static void check_static(const SPageFileStatic *s)
{
  CHECK(!wcscmp(s->smVersion, L"1.8") && s->numCars == 24 && !wcscmp(s->track, L"n\u00fcrburgring"));
  CHECK(s->sectorCount == 3 && s->maxRpm == 9001);
  CHECK_ALL(s->tyreRadius, 1.25f);
}

static void fill_coretemp(CORE_TEMP_SHARED_DATA *c)
{
  FILL(c->uiLoad, 1);
  FILL(c->uiTjMax, 1000);
  c->uiCoreCnt = 8;
  c->uiCPUCnt = 1;
  FILL(c->fTemp, 20.0f);
  c->fVID = 1.25f;
  c->fMultiplier = 40.5f;
  strcpy(c->sCPUName, "A CPU of 8 cores");
  c->ucFahrenheit = 1;
  c->ucDeltaToTjMax = 255;
}

static void check_coretemp(const CORE_TEMP_SHARED_DATA *c)
{
  CHECK_ALL(c->uiLoad, 2);
  CHECK(c->uiTjMax[127] == 1127 && c->uiCoreCnt == 16 && c->uiCPUCnt == 1);
  CHECK(c->fTemp[0] == 20.0f && c->fTemp[255] == 99.5f && c->fCPUSpeed == 4000.0f);
  CHECK(!strcmp(c->sCPUName, "another") && c->sCPUName[99] == 0);
  CHECK(c->ucFahrenheit == 0 && c->ucDeltaToTjMax == 254);
}

static void fill_freetrack(FTHeap *h)
{
  h->data.DataID = 0xfffffffe;
  h->data.CamWidth = 640;
  h->data.CamHeight = -480;
  h->data.Yaw = 0.5f;
  h->data.Z = -25.0f;
  h->data.RawZ = 3.5f;
  h->data.Y4 = 4.25f;
  h->GameID = 1901;
  for (int i = 0; i < 8; i++) h->table[i] = (unsigned char)(i + 1);
  h->GameID2 = -1;
}

static void check_freetrack(const FTHeap *h)
{
  CHECK(h->data.DataID == 0 && h->data.CamHeight == -480 && h->data.Pitch == -1.5f && h->data.X1 == 11.0f);
  CHECK(h->data.Y4 == 4.25f && h->GameID == 2000 && h->GameID2 == 2001);
  CHECK(h->table[0] == 1 && h->table[3] == 4 && h->table_ints[1] == -2);
}

static void fill_hwinfo(HWiNFO_SENSORS_SHARED_MEM2 *h)
{
  h->dwSignature = 0x53695748;
  h->dwVersion = 1;
  h->poll_time = 0x123456789abLL;
  h->dwOffsetOfSensorSection = sizeof *h;
  h->dwNumReadingElements = 77;
}

static void check_hwinfo(const HWiNFO_SENSORS_SHARED_MEM2 *h)
{
  CHECK(h->dwSignature == 0x44414544 && h->dwVersion == 1 && h->poll_time == -2);
  CHECK(h->dwSizeOfSensorElement == 264 && h->dwNumReadingElements == 0xffffffff);
}

static void fill_reading(HWiNFO_SENSORS_READING_ELEMENT *r)
{
  r->tReading = SENSOR_TYPE_FAN;
  r->dwReadingID = 0x3000000;
  strcpy(r->szLabelOrig, "Chassis2 Fan");
  strcpy(r->szLabelUser, "Fan");
  strcpy(r->szUnit, "RPM");
  r->Value = 1234.5;
  r->ValueAvg = 1e300;
}

static void check_reading(const HWiNFO_SENSORS_READING_ELEMENT *r)
{
  CHECK(r->tReading == SENSOR_TYPE_USAGE && r->dwSensorIndex == 5 && r->dwReadingID == 0x3000000);
  CHECK(!strcmp(r->szLabelOrig, "Chassis2 Fan") && !strcmp(r->szLabelUser, "L\xc3\xbc" "fter"));
  CHECK(!strcmp(r->szUnit, "%") && r->Value == 0.1 && r->ValueMin == -0.1 && r->ValueAvg == 1e300);
}

static void fill_rtss(RTSS_SHARED_MEMORY *r)
{
  r->dwSignature = RTSS_SIGNATURE;
  r->dwVersion = 0x00020000;
  r->dwAppEntrySize = sizeof(RTSS_SHARED_MEMORY_APP_ENTRY);
  strcpy(r->arrOSD[0].szOSD, "60 FPS");
  strcpy(r->arrOSD[7].szOSDOwner, "the last");
  r->arrApp[0].dwProcessID = 4711;
  strcpy(r->arrApp[0].szName, "C:\\game.exe");
  r->arrApp[255].dwFrameTime = 16667;
  strcpy(r->arrApp[255].szScreenCapturePath, "D:\\shot.png");
}

static void check_rtss(const RTSS_SHARED_MEMORY *r)
{
  CHECK(r->dwSignature == 0xdead && r->dwOSDFrame == 9);
  CHECK(!strcmp(r->arrOSD[0].szOSD, "60 FPS") && !strcmp(r->arrOSD[0].szOSDOwner, "Lua"));
  CHECK(!strcmp(r->arrOSD[7].szOSD, "<b>") && !strcmp(r->arrOSD[7].szOSDOwner, "the last"));
  CHECK(r->arrApp[0].dwProcessID == 4711 && r->arrApp[255].dwFrameTime == 8333);
  CHECK(r->arrApp[255].dwScreenCaptureFlags == SCREENCAPTUREFLAG_REQUEST_CAPTURE);
}

static void fill_rfactor2(rF2Wheels *w)
{
  w->version.mVersionUpdateBegin = w->version.mVersionUpdateEnd = 41;
  w->mOri[0].x = 1.0;
  w->mOri[2].z = -0.1;
  w->mWheels[0].mSuspensionDeflection = 0.001;
  FILL(w->mWheels[3].mTemperature, 350.5);
  strcpy(w->mWheels[3].mTerrainName, "GRAS");
  w->mWheels[3].mSurfaceType = 2;
  w->mWheels[3].mDetached = true;
  w->mWheels[3].mStaticUndeflectedRadius = 33;
  FILL(w->mWheels[3].mTireInnerLayerTemperature, 360.25);
  FILL(w->mWheels[3].mExpansion, (unsigned char)100);
}

static void check_rfactor2(const rF2Wheels *w)
{
  CHECK(w->version.mVersionUpdateBegin == 42 && w->version.mVersionUpdateEnd == 41);
  CHECK(w->mOri[0].x == 1.0 && w->mOri[1].y == 0.5 && w->mOri[2].z == -0.2);
  CHECK(w->mWheels[1].mFlat == true && w->mWheels[3].mFlat == false && w->mWheels[3].mDetached == false);
  CHECK(!strcmp(w->mWheels[3].mTerrainName, "ROAD") && w->mWheels[3].mTemperature[2] == 352.5);
  CHECK(w->mWheels[3].mTireInnerLayerTemperature[0] == 1.5 && w->mWheels[3].mExpansion[23] == 200);
}

/* One struct of each layout, and its functions. */
static union {
  struct LinkedMem mumble;
  SPageFilePhysics physics;
  SPageFileGraphic graphic;
  SPageFileStatic page;
  CORE_TEMP_SHARED_DATA coretemp;
  FTHeap freetrack;
  HWiNFO_SENSORS_SHARED_MEM2 hwinfo;
  HWiNFO_SENSORS_READING_ELEMENT reading;
  RTSS_SHARED_MEMORY rtss;
  rF2Wheels rfactor2;
} memory;

#define LAYOUT(name, member) \
  static void fill_##name##_(void) { fill_##name(&memory.member); } \
  static void check_##name##_(void) { check_##name(&memory.member); }
LAYOUT(mumble, mumble)
LAYOUT(physics, physics)
LAYOUT(graphic, graphic)
LAYOUT(static, page)
LAYOUT(coretemp, coretemp)
LAYOUT(freetrack, freetrack)
LAYOUT(hwinfo, hwinfo)
LAYOUT(reading, reading)
LAYOUT(rtss, rtss)
LAYOUT(rfactor2, rfactor2)

static const struct layout {
  const char *name;
  size_t size;
  void (*fill)(void);
  void (*check)(void);
} layouts[] = {
  { "LinkedMem", sizeof memory.mumble, fill_mumble_, check_mumble_ },
  { "SPageFilePhysics", sizeof memory.physics, fill_physics_, check_physics_ },
  { "SPageFileGraphic", sizeof memory.graphic, fill_graphic_, check_graphic_ },
  { "SPageFileStatic", sizeof memory.page, fill_static_, check_static_ },
  { "CORE_TEMP_SHARED_DATA", sizeof memory.coretemp, fill_coretemp_, check_coretemp_ },
  { "FTHeap", sizeof memory.freetrack, fill_freetrack_, check_freetrack_ },
  { "HWiNFO_SENSORS_SHARED_MEM2", sizeof memory.hwinfo, fill_hwinfo_, check_hwinfo_ },
  { "HWiNFO_SENSORS_READING_ELEMENT", sizeof memory.reading, fill_reading_, check_reading_ },
  { "RTSS_SHARED_MEMORY", sizeof memory.rtss, fill_rtss_, check_rtss_ },
  { "rF2Wheels", sizeof memory.rfactor2, fill_rfactor2_, check_rfactor2_ },
};

static int fail(const char *what)
{
  printf("%s failed\n", what);
  return 1;
}

/* Reads or writes the whole struct. */
static int transfer(const char *path, size_t size, int write)
{
  FILE *file = fopen(path, write ? "wb" : "rb");
  if (!file) return 0;
  const size_t done = write ? fwrite(&memory, 1, size, file) : fread(&memory, 1, size, file);
  return fclose(file) == 0 && done == size;
}

static int serve(const struct layout *layout, const char *path)
{
  char line[16];
  layout->fill();
  if (!transfer(path, layout->size, 1)) return fail("writing");
  printf("READY %u\n", (unsigned)layout->size);
  fflush(stdout);
  if (!fgets(line, sizeof line, stdin)) return fail("waiting");
  if (!transfer(path, layout->size, 0)) return fail("reading");
  layout->check();
  if (!wrong) printf("OK\n");
  return wrong;
}

int main(int argc, char **argv)
{
  for (size_t i = 0; argc == 3 && i < COUNT(layouts); i++)
    if (!strcmp(layouts[i].name, argv[1])) return serve(&layouts[i], argv[2]);
  return fail("finding the layout");
}
