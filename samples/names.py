"""Names for synthetic persons: lists put together here, combined at random; nobody real is meant."""

from __future__ import annotations

# (family name, weight), for the Kinh majority and for the peoples with naming customs of their own.
FAMILY_NAMES: dict[str, tuple[tuple[str, float], ...]] = {
    "01": (
        ("Nguyễn", 38), ("Trần", 11), ("Lê", 9), ("Phạm", 7), ("Huỳnh", 5), ("Phan", 4), ("Vũ", 2), ("Võ", 4),
        ("Đặng", 2), ("Bùi", 2), ("Đỗ", 2), ("Hồ", 2), ("Ngô", 2), ("Dương", 2), ("Lý", 1), ("Trương", 2), ("Đinh", 1),
    ),
    "05": (("Thạch", 25), ("Sơn", 20), ("Kim", 18), ("Danh", 16), ("Lâm", 11), ("Kiên", 10)),
    "17": (("Đàng", 20), ("Thiên", 15), ("Bá", 15), ("Quảng", 15), ("Não", 10), ("Đạo", 10), ("Lưu", 15)),
    "21": (("Chamaléa", 30), ("Katơr", 25), ("Pi Năng", 25), ("Tà Yên", 10), ("Pinăng", 10)),
}  # fmt: skip

MIDDLE_NAMES: dict[str, tuple[str, ...]] = {
    "M": ("Văn", "Hữu", "Đức", "Minh", "Quốc", "Thành", "Ngọc", "Công", "Xuân", "Hoàng", "Trọng", "Tấn"),
    "F": ("Thị", "Thị", "Thị", "Thị Kim", "Thị Ngọc", "Thị Mỹ", "Thị Thu", "Ngọc", "Kim", "Thị Hồng", "Thị Bích"),
}

GIVEN_NAMES: dict[str, tuple[str, ...]] = {
    "M": (
        "An", "Bình", "Cường", "Dũng", "Đạt", "Hải", "Hậu", "Hiếu", "Hòa", "Hùng", "Khánh", "Lâm", "Linh", "Long", "Lợi",
        "Nam", "Nghĩa", "Phong", "Phú", "Phúc", "Quân", "Sơn", "Tài", "Tâm", "Thắng", "Thiện", "Thịnh", "Toàn", "Trung",
        "Tuấn", "Tú", "Vinh", "Vũ", "Y",
    ),
    "F": (
        "Ánh", "Bích", "Châu", "Chi", "Dung", "Duyên", "Đào", "Giang", "Hà", "Hạnh", "Hằng", "Hiền", "Hoa", "Hồng",
        "Huệ", "Hương", "Lan", "Lệ", "Liên", "Loan", "Mai", "Nga", "Nhung", "Oanh", "Phượng", "Quyên", "Sương", "Thảo",
        "Thủy", "Trang", "Tuyết", "Vân", "Xuân", "Yến",
    ),
}  # fmt: skip
