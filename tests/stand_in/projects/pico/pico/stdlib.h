#pragma once
#include <stdint.h>
#define PICO_DEFAULT_LED_PIN 25
#define GPIO_OUT 1
static inline void stdio_init_all(void) {}
static inline void gpio_init(unsigned pin) { (void)pin; }
static inline void gpio_set_dir(unsigned pin, int out) { (void)pin, (void)out; }
static inline void gpio_put(unsigned pin, int value) { (void)pin, (void)value; }
static inline void sleep_ms(uint32_t ms) { (void)ms; }
