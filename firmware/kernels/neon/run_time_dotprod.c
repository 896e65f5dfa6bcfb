#include "eq/neon.h"
#include "eq/run_time_kernels.h"

#define EQ_ADD_PRODUCTS vdotq_s32
#include "four_rows.h"

EQ_RUN_TIME_DEFINE(dotprod, eq_four_rows)
