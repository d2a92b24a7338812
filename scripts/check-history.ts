import 'chaos/check-history'
