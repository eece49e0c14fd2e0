/* What the thermostat and the programs that watch it agree on. Scripts read it with string.unpack("ddi4i4",
** value). */
#ifndef THERMOSTAT_H
#define THERMOSTAT_H

#include <stdint.h>

#define THERMOSTAT_NAME "Local\\filemap-example-thermostat"

/* The value of the state NAME. */
typedef struct thermostat_reading {
  double temperature, target; /* degrees Celsius */
  int32_t heating;            /* 1 or 0 */
  int32_t orders;             /* how many were received */
} thermostat_reading;

/* The mailslot is NAME with this behind it. Its messages are "target DEGREES" and "stop". */
#define THERMOSTAT_ORDERS ".orders"

#endif
