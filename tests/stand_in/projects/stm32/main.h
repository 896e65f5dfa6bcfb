#pragma once
#include <stdint.h>
#define LD2_Pin 32u
#define LD2_GPIO_Port ((void *)0)
typedef enum { GPIO_PIN_RESET, GPIO_PIN_SET } GPIO_PinState;
static inline void HAL_GPIO_WritePin(void *port, uint16_t pin, GPIO_PinState state) { (void)port, (void)pin, (void)state; }
static inline void HAL_Delay(uint32_t ms) { (void)ms; }
