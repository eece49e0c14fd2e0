/* HWiNFO's shared memory ("Global\HWiNFO_SENS_SM2"), as its author publishes it for add-ons (hwisenssm2.h).
** */
#ifndef _HWISENSSM2_H_
#define _HWISENSSM2_H_

#include <assert.h>
#ifdef _WIN32
#include <windows.h>
#else
#include "windows_names.h"
#endif

#define HWiNFO_SENSORS_MAP_FILE_NAME2       "Global\\HWiNFO_SENS_SM2"
#define HWiNFO_SENSORS_SM2_MUTEX            "Global\\HWiNFO_SM2_MUTEX"

#define HWiNFO_SENSORS_STRING_LEN2 128
#define HWiNFO_UNIT_STRING_LEN      16

typedef enum {
  SENSOR_TYPE_NONE=0,
  SENSOR_TYPE_TEMP,
  SENSOR_TYPE_VOLT,
  SENSOR_TYPE_FAN,
  SENSOR_TYPE_CURRENT,
  SENSOR_TYPE_POWER,
  SENSOR_TYPE_CLOCK,
  SENSOR_TYPE_USAGE,
  SENSOR_TYPE_OTHER
} SENSOR_READING_TYPE;

#pragma pack(push,1)

typedef struct _HWiNFO_SENSORS_READING_ELEMENT {
  SENSOR_READING_TYPE tReading;                     // Type of sensor reading
  DWORD dwSensorIndex;                              // This is the index of sensor in the Sensors[] array
  DWORD dwReadingID;                                // A unique ID of the reading within a particular sensor
  char szLabelOrig[HWiNFO_SENSORS_STRING_LEN2];     // Original label (e.g. "Chassis2 Fan")
  char szLabelUser[HWiNFO_SENSORS_STRING_LEN2];     // Label displayed, which might have been renamed by user
  char szUnit[HWiNFO_UNIT_STRING_LEN];              // e.g. "RPM"
  double Value;
  double ValueMin;
  double ValueMax;
  double ValueAvg;
} HWiNFO_SENSORS_READING_ELEMENT, *PHWiNFO_SENSORS_READING_ELEMENT;

typedef struct _HWiNFO_SENSORS_SENSOR_ELEMENT {
  DWORD dwSensorID;                                 // A unique Sensor ID
  DWORD dwSensorInst;                               // The sensor's instance (together with dwSensorID unique)
  char szSensorNameOrig[HWiNFO_SENSORS_STRING_LEN2];
  char szSensorNameUser[HWiNFO_SENSORS_STRING_LEN2];
} HWiNFO_SENSORS_SENSOR_ELEMENT, *PHWiNFO_SENSORS_SENSOR_ELEMENT;

typedef struct _HWiNFO_SENSORS_SHARED_MEM2 {
  DWORD dwSignature;                                // "HWiS" if active, 'DEAD' when inactive
  DWORD dwVersion;                                  // 1 for v2
  DWORD dwRevision;
  __time64_t poll_time;                             // last polling time
  // descriptors for the Sensors section
  DWORD dwOffsetOfSensorSection;                    // Offset of the Sensor section from the structure's start
  DWORD dwSizeOfSensorElement;                      // Size of each sensor element
  DWORD dwNumSensorElements;                        // Number of sensor elements
  // descriptors for the Readings section
  DWORD dwOffsetOfReadingSection;
  DWORD dwSizeOfReadingElement;
  DWORD dwNumReadingElements;
} HWiNFO_SENSORS_SHARED_MEM2, *PHWiNFO_SENSORS_SHARED_MEM2;

#pragma pack(pop)

static_assert(sizeof(HWiNFO_SENSORS_SHARED_MEM2) == 44, "packed");
static_assert(sizeof(HWiNFO_SENSORS_READING_ELEMENT) == 3 * 4 + 2 * HWiNFO_SENSORS_STRING_LEN2
  + HWiNFO_UNIT_STRING_LEN + 4 * sizeof(double), "packed");

#endif
